"""The stage: one picture of the real system for an audience, and the keys that break it."""

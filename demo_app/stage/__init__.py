"""The stage: one picture of the real system for a whole room, and the keys that disturb it."""

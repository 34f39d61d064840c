"""The stage: a page that shows the running system to an audience, with keys that break it."""

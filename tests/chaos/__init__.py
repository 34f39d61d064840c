"""The fault campaign: kill anything, at any step, and count what became of every comment."""

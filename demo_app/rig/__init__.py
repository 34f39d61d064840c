"""The rig: the only code that starts, kills, waits and counts."""

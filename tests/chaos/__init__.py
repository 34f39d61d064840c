"""The fault campaign: random faults at any step, and the fate of every comment."""

"""The rig: the only code that starts and kills processes, waits for them, and counts mails."""

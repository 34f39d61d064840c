"""The rig, which starts and kills processes, waits for them, and counts mails."""

"""The compared Python queues, with the same work. Each has its best settings for this machine.

A peer module has `enqueue(**payload)`, `LAYOUTS` (for each way to run eight jobs at a time, the
commands of the workers) and `SETTINGS` (the settings that are not the queue's defaults). The
benchmark `work` first tries each layout in a short run, and then uses the fastest one. All peers
read the addresses of Redis and the mail server from the demo app's settings.
"""

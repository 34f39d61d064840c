"""Other Python queues doing the same work, each with the settings that suit it best here.

A peer module has `enqueue(payload)`, and `WORKERS`, the commands of its workers. All read the
addresses of Redis and the mail server from the same settings as the demo app.
"""

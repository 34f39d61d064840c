"""Other Python queues doing the same work, each with the settings that suit it best here.

A peer module has `enqueue(payload)`, and `LAYOUTS`: ways to do eight jobs at a time, each with the
commands of its workers. The quickest is measured first, and the peer runs with it. It may have an
`ENVIRONMENT`, of variables for its workers. All read the addresses of Redis and the mail server
from the same settings as the demo app.
"""

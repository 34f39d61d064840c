"""Imports the transport in each Python process of a run on claims.

Usually a Celery app has the line ``import demo_app.broker``. The tests of Celery and kombu do not,
and they start their own processes. So this file's folder is on ``PYTHONPATH``, and Python runs the
file at its start.
"""

import os

if os.environ.get("CELERY_SUITE_TRANSPORT") == "claims":
    import kombu.transport

    import demo_app.broker  # noqa: F401

    if os.environ.get("CELERY_SUITE_REPLACE_REDIS"):
        # kombu's tests use redis:// URLs: here they mean the transport under test
        kombu.transport.TRANSPORT_ALIASES["redis"] = "demo_app.broker:Transport"

"""What each Python process of a run on claims does first: import the transport, once.

A Celery app of one's own does it by the line ``import demo_app.broker``. The tests of Celery and
kombu have no such line, and start processes of their own, so the folder of this file is on
``PYTHONPATH`` and Python runs it by itself.
"""

import os

if os.environ.get("CELERY_SUITE_TRANSPORT") == "claims":
    import kombu.transport

    import demo_app.broker  # noqa: F401

    if os.environ.get("CELERY_SUITE_REPLACE_REDIS"):
        # kombu's tests write redis:// themselves: here that means the transport under test
        kombu.transport.TRANSPORT_ALIASES["redis"] = "demo_app.broker:Transport"

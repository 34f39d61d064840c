"""Stock Celery: late acknowledgement, no results, no events, two processes of four threads."""

from __future__ import annotations

from demo_app.bench.peers.ours import ENVIRONMENT as _OURS
from demo_app.bench.peers.ours import WORKERS, enqueue

NAME = "stock Celery"
ENVIRONMENT = {**_OURS, "DEMO_TRANSPORT": "stock"}

__all__ = ["ENVIRONMENT", "NAME", "WORKERS", "enqueue"]

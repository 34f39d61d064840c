"""Stock Celery: late acknowledgement, no results, no events, two processes of four threads."""

from __future__ import annotations

from benchmarks.peers.ours import ENVIRONMENT as _OURS
from benchmarks.peers.ours import WORKERS, enqueue

NAME = "stock Celery"
ENVIRONMENT = {**_OURS, "DEMO_TRANSPORT": "stock"}

__all__ = ["ENVIRONMENT", "NAME", "WORKERS", "enqueue"]

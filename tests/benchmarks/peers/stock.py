"""Stock Celery: late acknowledgement, no results, no events."""

from __future__ import annotations

from benchmarks.peers.ours import ENVIRONMENT as _OURS
from benchmarks.peers.ours import LAYOUTS, enqueue

ENVIRONMENT = {**_OURS, "DEMO_TRANSPORT": "stock"}

__all__ = ["ENVIRONMENT", "LAYOUTS", "enqueue"]

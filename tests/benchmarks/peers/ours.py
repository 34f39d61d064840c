"""Ours: Celery with claims, rescue, counters and journal."""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.notification import notify

NAME = "ours"
_QUIET = ["--without-mingle", "--without-gossip", "--without-heartbeat", "--loglevel", "WARNING"]
WORKERS = [
    [sys.executable, "-m", "celery", "-A", "demo_app.worker", "worker", "-n", f"{n}@%h", *_QUIET]
    for n in range(2)
]
ENVIRONMENT = {
    "DEMO_CONCURRENCY": "4",
    "DEMO_TASKS": "benchmarks.notification",
    "DEMO_WORKER_NICE": "0",  # the others do not stand back for anybody either
}


def enqueue(payload: dict[str, Any]) -> None:
    """Put one job in."""
    notify.enqueue(**payload)

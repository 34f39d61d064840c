"""Celery with this project's transport: claims, rescue, counters and journal."""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.notification import notify

_QUIET = ["--without-mingle", "--without-gossip", "--without-heartbeat", "--loglevel", "WARNING"]


def _workers(count: int, *options: str) -> list[list[str]]:
    run = [sys.executable, "-m", "celery", "-A", "demo_app.worker", "worker"]
    return [[*run, "-n", f"{number}@%h", *_QUIET, *options] for number in range(count)]


LAYOUTS = {
    "two processes of four threads": _workers(2, "-P", "threads", "-c", "4"),
    "one process of eight threads": _workers(1, "-P", "threads", "-c", "8"),
}
ENVIRONMENT = {"DEMO_TASKS": "benchmarks.notification"}


def enqueue(payload: dict[str, Any]) -> None:
    notify.enqueue(**payload)

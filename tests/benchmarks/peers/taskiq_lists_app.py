"""Taskiq with a Redis list, its quickest broker: what is popped is gone from Redis."""

from __future__ import annotations

import sys
from typing import Any

from taskiq_redis import ListQueueBroker

from benchmarks.notification import send
from benchmarks.peers.taskiq_app import layouts
from demo_app.broker.connection import client_url
from demo_app.settings import settings

NAME = "Taskiq, lists"
LAYOUTS = layouts(
    [sys.executable, "-m", "taskiq", "worker", f"{__name__}:broker", "--log-level", "ERROR"]
)
ENVIRONMENT: dict[str, str] = {}

broker = ListQueueBroker(client_url(settings().redis_url))
_started: list[bool] = []


@broker.task(task_name="bench.notify")
def notify(mail_id: str, address: str, subject: str, body: str) -> None:
    """The work as a task of Taskiq's; it runs it in a thread."""
    send(mail_id, address, subject, body)


async def enqueue(payload: dict[str, Any]) -> None:
    """Put one job in."""
    if not _started:
        await broker.startup()
        _started.append(True)
    await notify.kiq(**payload)

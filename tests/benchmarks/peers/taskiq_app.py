"""Taskiq with Redis streams, its broker for jobs that must not be lost."""

from __future__ import annotations

import sys
from typing import Any

from taskiq_redis import RedisStreamBroker

from benchmarks.notification import send
from demo_app.broker.connection import client_url
from demo_app.settings import settings

NAME = "Taskiq, streams"
_RUN = [sys.executable, "-m", "taskiq", "worker", f"{__name__}:broker", "--log-level", "ERROR"]


def layouts(run: list[str]) -> dict[str, list[list[str]]]:
    """Taskiq's way to say how many processes and threads."""
    return {
        "two processes of four threads": [
            [*run, "--workers", "2", "--max-threadpool-threads", "4", "--max-async-tasks", "4"]
        ],
        "eight processes": [
            [*run, "--workers", "8", "--max-threadpool-threads", "1", "--max-async-tasks", "1"]
        ],
    }


LAYOUTS = layouts(_RUN)
ENVIRONMENT: dict[str, str] = {}

broker = RedisStreamBroker(client_url(settings().redis_url), xread_count=4)
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

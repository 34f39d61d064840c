"""Taskiq with Redis streams, its broker for jobs that must not be lost."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any

from taskiq import AsyncBroker
from taskiq_redis import RedisStreamBroker

from benchmarks.notification import send
from demo_app.broker.connection import client_url
from demo_app.settings import settings


def layouts(module: str) -> dict[str, list[list[str]]]:
    """How Taskiq runs that module's broker with so many processes and threads."""
    run = [sys.executable, "-m", "taskiq", "worker", f"{module}:broker", "--log-level", "ERROR"]
    return {
        name: [
            [
                *(*run, "--workers", processes, "--max-threadpool-threads", threads),
                *("--max-async-tasks", threads),
            ]
        ]
        for name, processes, threads in (
            ("two processes of four threads", "2", "4"),
            ("eight processes", "8", "1"),
        )
    }


def served_by(broker: AsyncBroker) -> Callable[[dict[str, Any]], Awaitable[None]]:
    """Give the broker the work as its task, which it runs in a thread; returns `enqueue`."""
    notify = broker.task(task_name="bench.notify")(send)
    started: list[bool] = []

    async def enqueue(payload: dict[str, Any]) -> None:
        if not started:
            await broker.startup()
            started.append(True)
        await notify.kiq(**payload)

    return enqueue


LAYOUTS = layouts(__name__)
broker = RedisStreamBroker(client_url(settings().redis_url), xread_count=4)
enqueue = served_by(broker)

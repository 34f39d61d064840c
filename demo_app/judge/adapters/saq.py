"""SAQ on Redis: a worker that runs one job at a time, and jobs that are tried again.

Its documentation, "Job": by default a job is tried once, and stuck ones are swept up each minute.
"""

from __future__ import annotations

import asyncio
from typing import Any

from redis.asyncio import Redis
from saq import Worker
from saq.queue.redis import RedisQueue

from demo_app.judge.role import Role, run_job

ROLE = Role.mine()
queue = RedisQueue(Redis.from_url(ROLE.url), name="judged")


async def work(context: dict[str, Any], *, text: str) -> None:
    """The task; in a thread, so that the worker goes on meanwhile."""
    await asyncio.to_thread(run_job, ROLE, text, context["job"].id)


async def _say_ready(_: Any) -> None:
    ROLE.log("works")


async def producer() -> Any:
    await queue.connect()
    return lambda job: queue.enqueue("work", text=job, retries=3)


async def worker() -> None:
    await Worker(queue, [work], concurrency=1, startup=_say_ready).start()

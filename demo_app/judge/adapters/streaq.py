"""streaQ on Redis streams: a worker that runs one job at a time, and else its default settings.

Its documentation, "Worker": what a worker does not renew for a minute runs again on another one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from streaq import Worker

from demo_app.judge.role import Role, run_job

ROLE = Role.mine()


@asynccontextmanager
async def _say_ready() -> AsyncIterator[None]:
    ROLE.log("works")
    yield


app = Worker(redis_url=ROLE.url, concurrency=1, lifespan=_say_ready)


@app.task(name="judged.work")
def work(job: str) -> None:
    """The task; streaQ runs it in a thread."""
    run_job(ROLE, job, work.context.task_id)


def producer() -> Any:

    async def put(job: str) -> None:
        async with app:
            await work.enqueue(job)

    return put


def worker() -> None:
    app.run_sync()

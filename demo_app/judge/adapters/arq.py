"""arq: a worker that runs one job at a time, and else its default settings.

Its documentation, "Simple Usage": with them a job stays in the queue until it has succeeded or
failed.
"""

from __future__ import annotations

import asyncio
from typing import Any

from arq import create_pool
from arq.connections import RedisSettings
from arq.worker import Worker

from demo_app.judge.role import Role, run_job

ROLE = Role.mine()
SETTINGS = RedisSettings(unix_socket_path=ROLE.address)


async def work(context: dict[str, Any], job: str) -> None:
    """The task; in a thread, so that the worker goes on meanwhile."""
    await asyncio.to_thread(run_job, ROLE, job, context["job_id"])


async def _say_ready(_: dict[str, Any]) -> None:
    ROLE.log("works")


async def producer() -> Any:
    pool = await create_pool(SETTINGS)
    return lambda job: pool.enqueue_job("work", job)


def worker() -> None:
    # job_timeout (300 s): a killed worker's job is tried again 10 s after it; max_tries: 5
    Worker([work], redis_settings=SETTINGS, on_startup=_say_ready, max_jobs=1).run()

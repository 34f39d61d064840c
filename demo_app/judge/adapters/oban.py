"""Oban for Python on PostgreSQL: a queue that runs one job at a time, and else its defaults.

Its `Lifeline` looks each minute for jobs that have run for five minutes on a node that is gone.
"""

from __future__ import annotations

import asyncio
from typing import Any

from oban import Oban
from oban import worker as worker_of
from psycopg_pool import AsyncConnectionPool

from demo_app.judge.postgres import url
from demo_app.judge.role import Role, run_job

ROLE = Role.mine()


@worker_of()
class Work:
    """The task."""

    async def process(self, job: Any) -> None:
        """In a thread, so that the worker goes on meanwhile."""
        await asyncio.to_thread(run_job, ROLE, job.args["job"], str(job.id))


async def _start(queues: dict[str, Any]) -> None:
    pool = AsyncConnectionPool(url(ROLE), open=False)
    await pool.open()
    await Oban(pool=pool, queues=queues).start()


async def producer() -> Any:
    await _start({})
    work: Any = Work
    return lambda job: work.enqueue({"job": job})


async def worker() -> None:
    await _start({"default": 1})
    ROLE.log("works")
    await asyncio.Event().wait()

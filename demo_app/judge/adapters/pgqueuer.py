"""PgQueuer on PostgreSQL: what fails is kept, and else its default settings.

Its guide, "Heartbeat": a job without a heartbeat for 30 seconds is picked up again.
"""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
from pgqueuer import PgQueuer
from pgqueuer.db import PsycopgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries

from demo_app.judge.postgres import url
from demo_app.judge.role import Role, run_job

ROLE = Role.mine()


async def _driver() -> PsycopgDriver:
    return PsycopgDriver(await psycopg.AsyncConnection.connect(url(ROLE), autocommit=True))


async def producer() -> Any:
    queries = Queries(await _driver())
    return lambda job: queries.enqueue("work", job.encode())


async def worker() -> None:
    app = PgQueuer(await _driver())

    @app.entrypoint("work", on_failure="hold")
    async def work(job: Job) -> None:
        text = (job.payload or b"").decode()
        await asyncio.to_thread(run_job, ROLE, text, str(job.id))

    ROLE.log("works")
    await app.run(batch_size=1, max_concurrent_tasks=2)  # as few at a time as it can

"""Libraries that keep their jobs in PostgreSQL. Each is imported only where it is played."""

from __future__ import annotations

import asyncio
from typing import Any

from demo_app.judge.postgres import url
from demo_app.judge.role import Role, run_job


def procrastinate(role: Role) -> Any:
    """Procrastinate, with the periodic task that its guide advises for killed workers.

    Its documentation, "Retry stalled jobs".
    """
    from procrastinate import App, PsycopgConnector

    app = App(connector=PsycopgConnector(conninfo=url(role)))

    @app.task(name="judged.work", pass_context=True)
    def work(context: Any, job: str) -> None:
        """In a thread of Procrastinate's."""
        run_job(role, job, str(context.job.id))

    @app.periodic(cron="*/10 * * * *")  # as on that page; a heartbeat counts as old after 30 s
    @app.task(name="judged.retry", queueing_lock="retry_stalled_jobs", pass_context=True)
    async def retry_stalled_jobs(context: Any, timestamp: int) -> None:
        """Bring back what a worker without a heartbeat had in hand."""
        for job in await app.job_manager.get_stalled_jobs():
            await app.job_manager.retry_job(job)

    if role.jobs:
        app.open()
        return lambda job: work.defer(job=job)
    role.log("works")
    app.run_worker(concurrency=1, name=role.who)


async def pgqueuer(role: Role) -> Any:
    """PgQueuer: what fails is kept, and else its default settings.

    Its guide, "Heartbeat": a job without a heartbeat for 30 seconds is picked up again.
    """
    import psycopg
    from pgqueuer import PgQueuer
    from pgqueuer.db import PsycopgDriver
    from pgqueuer.queries import Queries

    driver = PsycopgDriver(await psycopg.AsyncConnection.connect(url(role), autocommit=True))
    if role.jobs:
        queries = Queries(driver)
        return lambda job: queries.enqueue("work", job.encode())
    app = PgQueuer(driver)

    @app.entrypoint("work", on_failure="hold")
    async def work(job: Any) -> None:
        text = (job.payload or b"").decode()
        await asyncio.to_thread(run_job, role, text, str(job.id))

    role.log("works")
    await app.run(batch_size=1, max_concurrent_tasks=2)  # as few at a time as it can


async def oban(role: Role) -> Any:
    """Oban for Python: a queue that runs one job at a time, and else its defaults.

    Its `Lifeline` looks each minute for jobs that have run for five minutes on a node that is gone.
    """
    from oban import Oban, worker
    from psycopg_pool import AsyncConnectionPool

    @worker()
    class Work:
        async def process(self, job: Any) -> None:
            """In a thread, so that the worker goes on meanwhile."""
            await asyncio.to_thread(run_job, role, job.args["job"], str(job.id))

    pool = AsyncConnectionPool(url(role), open=False)
    await pool.open()
    await Oban(pool=pool, queues={} if role.jobs else {"default": 1}).start()
    if role.jobs:
        enqueue: Any = Work
        return lambda job: enqueue.enqueue({"job": job})
    role.log("works")
    await asyncio.Event().wait()

"""Procrastinate on PostgreSQL, with the periodic task that its guide advises for killed workers.

Its documentation, "Retry stalled jobs".
"""

from __future__ import annotations

from typing import Any

from procrastinate import App, JobContext, PsycopgConnector

from demo_app.judge.postgres import url
from demo_app.judge.role import Role, run_job

ROLE = Role.mine()
app = App(connector=PsycopgConnector(conninfo=url(ROLE)))


@app.task(name="judged.work", pass_context=True)
def work(context: JobContext, job: str) -> None:
    """The task; Procrastinate runs it in a thread."""
    run_job(ROLE, job, str(context.job.id))


@app.periodic(cron="*/10 * * * *")  # as on that page; a heartbeat counts as old after 30 s
@app.task(name="judged.retry", queueing_lock="retry_stalled_jobs", pass_context=True)
async def retry_stalled_jobs(context: JobContext, timestamp: int) -> None:
    """Bring back what a worker without a heartbeat had in hand."""
    for job in await app.job_manager.get_stalled_jobs():
        await app.job_manager.retry_job(job)


def producer() -> Any:
    app.open()
    return lambda job: work.defer(job=job)


def worker() -> None:
    ROLE.log("works")
    app.run_worker(concurrency=1, name=ROLE.who)

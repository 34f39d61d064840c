"""Procrastinate on PostgreSQL, with the periodic task that its guide advises for killed workers.

Its documentation, "Retry stalled jobs".
"""

from __future__ import annotations

from pathlib import Path

from procrastinate import App, JobContext, PsycopgConnector

from demo_app.judge.postgres import PORT, USER
from demo_app.judge.role import Role, produce, run_job

ROLE = Role.mine()
app = App(
    connector=PsycopgConnector(
        # its cable's folder; the password is in PGPASSWORD
        conninfo=f"postgresql://{USER}@/postgres?host={Path(ROLE.address).parent}&port={PORT}"
    )
)


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


def main() -> None:
    """Be the producer or a worker."""
    if not ROLE.jobs:
        ROLE.log("works")
        app.run_worker(concurrency=1, name=ROLE.who)
        return
    with app.open():
        produce(ROLE, lambda job: work.defer(job=job))

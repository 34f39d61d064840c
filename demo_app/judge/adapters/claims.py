"""The adapter for this project: its outbox, its broker and its worker."""

import os
import sys
from pathlib import Path
from typing import Any

from celery.signals import worker_ready

from demo_app.blog import outbox
from demo_app.blog.database import SqliteDatabase
from demo_app.blog.relay import Relay
from demo_app.jobs import task
from demo_app.jobs.backend import backend_named
from demo_app.judge.role import Role, run_job

ROLE = Role.mine()
os.environ.update({
    "DEMO_DIR": ROLE.files,
    "DEMO_REDIS_URL": f"redis+socket://{ROLE.address}",
    "DEMO_TASKS": "demo_app.judge.adapters.claims",
    "DEMO_CONCURRENCY": "1",
})  # fmt: skip


@task()
def work(job: str) -> None:
    """Run the job. As in the blog, a second run has the same message id: the job's text."""
    run_job(ROLE, job, job)


@worker_ready.connect
def report_ready(**_: Any) -> None:
    """Report to the judge that the worker is ready for jobs."""
    ROLE.log("works")


def run_role(role: Role) -> Any:
    """For a producer, start the relay, and return a function that stores a job in the outbox.

    For a worker, replace this process with a Celery worker of the blog (exec).
    """
    if not role.jobs:
        command = [sys.executable, "-P", "-m", "celery", "-A", "demo_app.worker", "worker"]
        os.execv(sys.executable, [*command, "--hostname", f"{role.who}@judged"])
    database = SqliteDatabase(Path(role.files) / "blog.sqlite3")
    relay = Relay(database, backend_named())
    relay.start()

    def put(job: str) -> None:
        with database.transaction() as transaction:
            outbox.add(transaction, work.job(job=job))
        relay.wake()

    return put

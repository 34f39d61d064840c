"""RQ: its worker with a process for each job, its registries, and failed jobs tried again."""

from __future__ import annotations

from typing import Any

import redis
from rq import Queue, Retry, Worker, get_current_job

from demo_app.judge.role import Role, run_job

ROLE = Role.mine()
connection = redis.Redis.from_url(ROLE.url)
queue = Queue("judged", connection=connection)


def work(job: str) -> None:
    """The task."""
    current = get_current_job()
    run_job(ROLE, job, current.id if current else "")


def producer() -> Any:
    # https://python-rq.org/docs/exceptions/
    return lambda job: queue.enqueue(work, job, retry=Retry(max=3))


def worker() -> None:
    ROLE.log("works")
    Worker([queue], connection=connection, name=ROLE.who).work(with_scheduler=True)

"""Celery on Redis as its tutorial has it: no settings but the broker's address.

https://docs.celeryq.dev/en/stable/getting-started/first-steps-with-celery.html
"""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.signals import worker_ready

from demo_app.judge.role import Role, produce, run_job

ROLE = Role.mine()
app = Celery("tasks", broker=ROLE.url)


@app.task(bind=True, name="tasks.work")  # type: ignore[untyped-decorator]
def work(self: Any, job: str) -> None:
    """The task."""
    run_job(ROLE, job, self.request.id)


def main() -> None:
    """Be the producer, or a worker with one child, as the judge's workers are."""
    if ROLE.jobs:
        produce(ROLE, work.delay)
        return
    worker_ready.connect(lambda **_: ROLE.log("works"), weak=False)
    app.worker_main(["worker", "--concurrency", "1", "--hostname", f"{ROLE.who}@judged"])

"""Celery on Redis, with what its guide advises for jobs that must not be lost.

https://docs.celeryq.dev/en/stable/userguide/optimizing.html#reserve-one-task-at-a-time
"""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.signals import worker_ready

from demo_app.judge.role import Role, produce, run_job

ROLE = Role.mine()
app = Celery("judged", broker=ROLE.url)
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
)


@app.task(bind=True, name="judged.work")  # type: ignore[untyped-decorator]
def work(self: Any, job: str) -> None:
    """The task."""
    run_job(ROLE, job, self.request.id)


def main() -> None:
    """Be the producer, or a worker with one child."""
    if ROLE.jobs:
        produce(ROLE, lambda job: work.apply_async([job], task_id=job))
        return
    worker_ready.connect(lambda **_: ROLE.log("works"), weak=False)
    app.worker_main(["worker", "--concurrency", "1", "--hostname", f"{ROLE.who}@judged"])

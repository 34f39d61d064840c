"""Celery on Redis, with what its guide advises for jobs that must not be lost; or an app of one's
own, with its own settings, on the judge's broker.

https://docs.celeryq.dev/en/stable/userguide/optimizing.html#reserve-one-task-at-a-time
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.app.utils import find_app
from celery.signals import worker_ready

from demo_app.judge.role import COMMAND, Role, produce, run_job

ROLE = Role.mine()
BROKER = f"redis+socket://{ROLE.address}"
ADVISED = {
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "worker_prefetch_multiplier": 1,
    "task_ignore_result": True,
    "broker_connection_retry_on_startup": True,
}


def _app() -> Celery:
    own = os.environ[COMMAND]
    app: Celery = find_app(own) if own else Celery("judged")
    app.conf.update({} if own else ADVISED)
    app.conf.update(broker_url=BROKER, broker_read_url=BROKER, broker_write_url=BROKER)
    return app


app = _app()


@app.task(bind=True, name="judged.work", queue="judged")  # type: ignore[untyped-decorator]
def work(self: Any, job: str) -> None:
    """The probe: a task beside those of the app, with all the app's settings."""
    run_job(ROLE, job, self.request.id)


def main() -> None:
    """Be the producer, or a worker with one child."""
    if ROLE.jobs:
        produce(ROLE, work.delay)
        return
    worker_ready.connect(lambda **_: ROLE.log("works"), weak=False)
    where = ["--queues", "judged", "--hostname", f"{ROLE.who}@judged"]
    app.worker_main(["worker", "--concurrency", "1", *where])

"""A Celery app with one task, whatever its broker is."""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.signals import worker_ready

from demo_app.verification.judge.adapters import produce
from demo_app.verification.judge.role import Role, run_job

ROLE = Role.mine()


def make(broker: str) -> Celery:
    """The app."""
    app = Celery("judged", broker=broker)
    app.conf.update(
        # https://docs.celeryq.dev/en/stable/userguide/optimizing.html and faq.html
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        task_ignore_result=True,
        broker_connection_retry_on_startup=True,
    )

    @app.task(bind=True, name="judged.work")  # type: ignore[untyped-decorator]
    def work(self: Any, job: str) -> None:
        run_job(ROLE, job, self.request.id)

    return app


def play(app: Celery) -> None:
    """Be the producer, or a worker with one child."""
    if ROLE.jobs:
        produce(ROLE, lambda job: app.send_task("judged.work", [job], task_id=job))
        return
    worker_ready.connect(lambda **_: ROLE.log("works"), weak=False)
    options = ["--concurrency", "1", "--hostname", f"{ROLE.who}@judged", "--loglevel", "INFO"]
    app.worker_main(["worker", *options])

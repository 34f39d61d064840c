"""The adapter for Celery: an app of `celery_settings` or of the user, on the judge's Redis.

The app keeps its settings except the broker's address. An app on this project's broker keeps this
broker. Any other app gets Celery's transport for Redis.
"""

import os
import sys
from typing import Any

from celery import Celery
from celery.app.utils import find_app
from celery.signals import worker_ready

from demo_app.judge.role import APPS, COMMAND, Role, run_job


def run_role(role: Role) -> Any:
    """For a producer, return a function that enqueues a job.

    For a worker, run a Celery worker with one child process.
    """
    # append the folder: a redis.py in it must not shadow the package redis
    sys.path.append(os.environ[APPS])
    app: Celery = find_app(os.environ[COMMAND])
    claims = app.connection_for_write().get_transport_cls().driver_name == "claims+redis"
    broker = f"{'claims+unix' if claims else 'redis+socket'}://{role.address}"
    app.conf.update(broker_url=broker, broker_read_url=broker, broker_write_url=broker)

    @app.task(bind=True, name="judged.work", queue="judged")
    def work(self: Any, job: str) -> None:
        """Run a job of the judge. This task has the same settings as the app's own tasks."""
        run_job(role, job, self.request.id)

    if role.jobs:
        return work.delay
    worker_ready.connect(lambda **_: role.log("works"), weak=False)
    where = ["--queues", "judged", "--hostname", f"{role.who}@judged"]
    app.worker_main(["worker", "--concurrency", "1", *where])

"""A worker of Celery as it comes, for comparison; see `demo_app.backends.stock`."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from celery import Celery
from celery.signals import worker_ready

from demo_app.backends.stock import stock_app
from demo_app.broker.connection import connect
from demo_app.jobs.job import Job
from demo_app.jobs.outcome import Failed, Retry
from demo_app.jobs.perform import perform
from demo_app.jobs.registry import all_tasks, load_tasks
from demo_app.settings import Settings


def make_stock_app(chosen: Settings) -> Celery:
    """The app, with every known task registered."""
    made = stock_app(chosen)
    since = time.time()  # before it takes a job
    load_tasks(chosen.task_modules)
    for name in all_tasks():
        made.task(name=name, bind=True, max_retries=None)(_run)

    def say_ready(**_: Any) -> None:
        said = json.dumps({"pid": os.getpid(), "since": since})
        connect(chosen.redis_url).set(f"stock-worker:{os.getpid()}", said)

    worker_ready.connect(say_ready, weak=False)
    return made


def _run(self: Any, **arguments: Any) -> Any:
    request = self.request
    outcome = perform(Job(self.name, arguments, attempts=request.retries, id=request.id))
    if isinstance(outcome, Retry):
        eta = datetime.now(UTC) + timedelta(seconds=outcome.after)
        raise self.retry(eta=eta)
    if isinstance(outcome, Failed):
        raise RuntimeError(outcome.error.traceback)
    return None

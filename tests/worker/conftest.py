"""For the tests of the worker: a stack that knows the stubborn jobs, and what becomes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from celery_suite.hostile import honest
from support import client_of, until

from demo_app.backends.celery import CeleryBackend
from demo_app.broker.inspect import get_job
from demo_app.broker.queue import Kind, Queue
from demo_app.broker.view import JobView
from demo_app.stack import Stack


def stubborn(environment: dict[str, str] | None = None, **options: Any) -> Stack:
    """A stack whose workers know `stubborn_jobs`; to be entered."""
    path = {"PYTHONPATH": str(Path(__file__).parent.parent)}
    return Stack(tasks=("worker.stubborn_jobs",), environment=path | (environment or {}), **options)


class Jobs:
    """Puts jobs into a stack's queue, and says what became of them."""

    def __init__(self, stack: Stack) -> None:
        self.queue = Queue(client_of(stack.ready["redis"]))
        self._backend = CeleryBackend(self.queue)

    def put(self, task: Any, **arguments: Any) -> str:
        """A new job; returns its id."""
        return self._backend.enqueue(task.job(**arguments)).id

    def publish(self, task: Any, **changes: Any) -> str:
        """A message as any Celery producer sends it, but for these changes: of headers or
        properties some, of anything else all. Returns its job's id."""
        sent = honest()
        sent["headers"]["task"] = task.name
        for place, what in changes.items():
            sent[place] = sent[place] | what if isinstance(what, dict) else what
        job: str = sent["headers"]["id"]
        self.queue.publish(json.dumps(sent), job, "mail", kind=Kind.JOB)
        return job

    def ended(self, *jobs: str) -> list[JobView]:
        """What is known of these, once each has ended."""

        def views() -> list[JobView]:
            found = [get_job(self.queue, job) for job in jobs]
            return [job for job in found if job and job.state in ("done", "dead", "discarded")]

        until(lambda: len(views()) == len(jobs), 40.0, "their end")
        return views()


@pytest.fixture
def jobs(stack: Stack) -> Jobs:
    """Of the module's own stack."""
    return Jobs(stack)

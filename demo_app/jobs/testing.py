"""For tests of code that puts jobs in: record them, look at them, run them::

with recorded_jobs() as jobs:
    post_a_comment()
    assert_enqueued(notify_author, comment_id=7)
    jobs.perform()
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from demo_app.backends.records import Records
from demo_app.jobs import backend as backends
from demo_app.jobs.backend import Backend
from demo_app.jobs.capabilities import Capabilities, Priority
from demo_app.jobs.job import Job
from demo_app.jobs.perform import Again, Outcome, perform
from demo_app.jobs.result import TaskResult
from demo_app.jobs.task import Task


class RecordedJobs(Backend):
    """A backend that runs nothing until it is told to."""

    name = "recorded"
    capabilities = Capabilities(priority=Priority.EXACT, run_after=True, results=True, once=True)

    def __init__(self) -> None:
        self.enqueued: list[Job] = []
        self._records = Records(self.name)

    def take(self, jobs: list[Job]) -> None:
        """Record the jobs."""
        self.enqueued += [job for job in jobs if self._records.enqueued(job)]

    def find(self, job_id: str) -> TaskResult | None:
        """What became of a job."""
        return self._records.find(job_id)

    def perform(self) -> list[Outcome]:
        """Run everything that was recorded, and what that puts in, one try each, in order.

        A job that has to be tried again is recorded again, as due at once.
        Returns how each ended; what was run is not recorded any more.
        """
        outcomes, again = [], []
        while self.enqueued:
            job = self.enqueued.pop(0)
            self._records.started(job)
            outcome = perform(job)
            self._records.ended(job, outcome)
            outcomes.append(outcome)
            if isinstance(outcome, Again):
                again.append(replace(job, attempts=job.attempts + 1))
        self.enqueued = again
        return outcomes


@contextmanager
def recorded_jobs() -> Iterator[RecordedJobs]:
    """Within the block, whatever is put in anywhere in this process is recorded."""
    before, backends.override = backends.override, RecordedJobs()
    try:
        yield backends.override
    finally:
        backends.override = before


def assert_enqueued(
    wanted: Task[..., Any],
    *,
    times: int = 1,
    queue_name: str | None = None,
    run_after: datetime | None = None,
    **arguments: Any,
) -> list[Job]:
    """Hold it to be true that the task was put in so many times, with these arguments.

    Arguments that are left out may be anything. Returns the jobs.
    Raises AssertionError, which tells what was put in instead.
    """
    wanted_arguments = wanted.travelling(arguments)
    found = [
        job
        for job in _now().enqueued
        if job.task == wanted.name
        and wanted_arguments.items() <= job.arguments.items()
        and queue_name in (None, job.queue_name)
        and run_after in (None, job.run_after)
    ]
    if len(found) != times:
        told = [f"{job.task}({job.arguments}) in {job.queue_name}" for job in _now().enqueued]
        raise AssertionError(
            f"{wanted.name}({arguments}) was put in {len(found)} times, not {times}; "
            f"what was put in: {', '.join(told) or 'nothing'}"
        )
    return found


def perform_enqueued() -> list[Outcome]:
    """Run what the block around has recorded; see `RecordedJobs.perform`."""
    return _now().perform()


def _now() -> RecordedJobs:
    if not isinstance(backends.override, RecordedJobs):
        raise RuntimeError("nothing is recorded here; use `with recorded_jobs():` around it")
    return backends.override

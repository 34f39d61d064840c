"""Run the job at once, in the process and thread that put it in; the caller waits.

Nothing can be lost that was not lost with the caller, and nothing is gained either: a retry
keeps the caller waiting too.
"""

from __future__ import annotations

import time
from dataclasses import replace

from demo_app.jobs.backends.records import Records
from demo_app.jobs.job import Job
from demo_app.jobs.perform import Again, perform, wait_until_due
from demo_app.jobs.result import TaskResult
from demo_app.settings import Settings


class InlineBackend:
    """See the module."""

    name = "inline"
    in_request = True

    def __init__(self) -> None:
        self._records = Records(self.name)

    def enqueue(self, job: Job) -> TaskResult:
        """Run the job to its end, tries and waits included."""
        result = self._records.enqueued(job)
        time.sleep(wait_until_due(job))
        while True:
            self._records.started(job)
            outcome = perform(job)
            self._records.ended(job, outcome)
            if not isinstance(outcome, Again):
                break
            time.sleep(outcome.after)
            job = replace(job, attempts=job.attempts + 1)
        result.refresh()
        return result

    def enqueue_many(self, jobs: list[Job]) -> list[TaskResult]:
        """Run the jobs one after the other."""
        return [self.enqueue(job) for job in jobs]

    def find(self, job_id: str) -> TaskResult | None:
        """What became of a job of this process."""
        return self._records.find(job_id)

    def count_by_state(self) -> dict[str, int]:
        """How many of this process's jobs are in each state."""
        return self._records.count_by_state()

    def close(self) -> None:
        """Nothing to let go of."""


def make(settings: Settings) -> InlineBackend:
    """The backend for these settings."""
    return InlineBackend()

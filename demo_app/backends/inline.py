"""Run the job at once, in the process and thread that put it in; the caller waits.

Nothing can be lost that was not lost with the caller, and nothing is gained either: a retry
keeps the caller waiting too.
"""

from __future__ import annotations

import time
from dataclasses import replace

from demo_app.backends.records import Records
from demo_app.jobs.backend import Backend
from demo_app.jobs.capabilities import Capabilities
from demo_app.jobs.job import Job
from demo_app.jobs.perform import Again, perform
from demo_app.jobs.result import TaskResult
from demo_app.settings import Settings


class InlineBackend(Backend):
    """See the module."""

    name = "inline"
    in_request = True
    capabilities = Capabilities(results=True, once=True, fifo=True)

    def __init__(self) -> None:
        self._records = Records(self.name)

    def take(self, jobs: list[Job]) -> None:
        """Run each job to its end, tries and waits included."""
        for job in jobs:
            if self._records.enqueued(job):
                self._run(job)

    def find(self, job_id: str) -> TaskResult | None:
        """What became of a job of this process."""
        return self._records.find(job_id)

    def count_by_state(self) -> dict[str, int]:
        """How many of this process's jobs are in each state."""
        return self._records.count_by_state()

    def _run(self, job: Job) -> None:
        while True:
            self._records.started(job)
            outcome = perform(job)
            self._records.ended(job, outcome)
            if not isinstance(outcome, Again):
                return
            time.sleep(outcome.after)
            job = replace(job, attempts=job.attempts + 1)


def make(settings: Settings) -> InlineBackend:
    """The backend for these settings."""
    return InlineBackend()

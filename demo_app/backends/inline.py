"""Run the job at once, in the process and thread that put it in; the caller waits.

Nothing can be lost that was not lost with the caller, and nothing is gained either: a retry
keeps the caller waiting too.
"""

from __future__ import annotations

import time
from dataclasses import replace

from demo_app.backends.in_process import InProcessBackend
from demo_app.jobs.capabilities import Capabilities
from demo_app.jobs.job import Job
from demo_app.jobs.outcome import Retry
from demo_app.settings import Settings


class InlineBackend(InProcessBackend):
    """See the module."""

    name = "inline"
    in_request = True
    capabilities = Capabilities(results=True, fifo=True)

    def _enqueue(self, jobs: list[Job]) -> None:
        """Run each job to its end, tries and waits included."""
        for job in jobs:
            if self._is_new(job):
                self._run(job)

    def _run(self, job: Job) -> None:
        while isinstance(outcome := self._try(job), Retry):
            time.sleep(outcome.after)
            job = replace(job, attempts=job.attempts + 1)


def make(settings: Settings) -> InlineBackend:
    """The backend for these settings."""
    return InlineBackend()

"""A backend that runs each job in the producer's thread, while the caller waits.

The caller waits for retries too. A job is lost only if the caller's process dies.
"""

import time
from dataclasses import replace

from demo_app.backends.in_process import InProcessBackend
from demo_app.jobs.capabilities import Capabilities
from demo_app.jobs.job import Job
from demo_app.jobs.outcome import Retry
from demo_app.settings import Settings


class InlineBackend(InProcessBackend):
    """A backend that runs each job inside `enqueue`."""

    name = "inline"
    in_request = True
    capabilities = Capabilities(results=True, fifo=True)

    def _enqueue(self, jobs: list[Job]) -> None:
        for job in jobs:
            if not self._is_new(job):
                continue
            while isinstance(outcome := self._try(job), Retry):
                time.sleep(outcome.after)
                job = replace(job, attempts=job.attempts + 1)


def make(settings: Settings) -> InlineBackend:
    return InlineBackend()

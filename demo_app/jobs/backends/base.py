"""What every backend can do."""

from __future__ import annotations

from typing import Protocol

from demo_app.jobs.job import Job
from demo_app.jobs.result import TaskResult


class Backend(Protocol):
    """Takes jobs, and sees to it that they run.

    name: as in the settings. in_request: whether `enqueue` runs the job before it returns.
    """

    name: str
    in_request: bool

    def enqueue(self, job: Job) -> TaskResult:
        """Take a job. A job whose id is known already changes nothing, where `name` can tell."""
        ...

    def enqueue_many(self, jobs: list[Job]) -> list[TaskResult]:
        """Take jobs, in their order."""
        ...

    def find(self, job_id: str) -> TaskResult | None:
        """What became of a job; None when nothing is known of it."""
        ...

    def count_by_state(self) -> dict[str, int]:
        """How many jobs are in each state, as far as the backend can tell."""
        ...

    def close(self) -> None:
        """Stop taking jobs and let go of connections and threads; may be called twice."""
        ...

"""What every backend can do; a new one fills in `take`, and whatever else it promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from typing import ClassVar

from demo_app.failpoints import Step, hit
from demo_app.jobs.callbacks import enqueueing
from demo_app.jobs.capabilities import Capabilities, Unsupported
from demo_app.jobs.job import Job
from demo_app.jobs.registry import find_task
from demo_app.jobs.result import TaskResult
from demo_app.settings import BackendName, settings


class Backend(ABC):
    """Takes jobs, and sees to it that they run.

    name: as in the settings. in_request: whether `take` runs the jobs before it returns.
    capabilities: what it promises; a job that asks for more is refused.
    """

    name: str
    in_request: bool = False
    capabilities: ClassVar[Capabilities] = Capabilities()

    @abstractmethod
    def take(self, jobs: list[Job]) -> None:
        """Take these jobs, in their order; they were checked already.

        Whoever promises `once` leaves a job alone whose id is known. What can't be reached
        raises its own error; the caller then hands the same jobs over again.
        """

    def enqueue(self, job: Job) -> TaskResult:
        """Take one job; see `enqueue_many`."""
        return self.enqueue_many([job])[0]

    def enqueue_many(self, jobs: list[Job]) -> list[TaskResult]:
        """Take jobs, in their order.

        Raises Unsupported when one of them asks for what this backend does not do; then none
        is taken.
        """
        for job in jobs:
            self.check(job)
        found = [(find_task(job.task), job) for job in jobs]
        known = [(task.function, job) for task, job in found if task is not None]
        with enqueueing(known):
            self.take(jobs)
        hit(Step.ENQUEUED)
        results = [self.promise(job) for job in jobs]
        if self.in_request:
            for result in results:
                result.refresh()
        return results

    def check(self, job: Job) -> None:
        """Raises Unsupported when the job asks for what this backend does not do."""
        self.capabilities.check(job, self.name, settings().queues)

    def promise(self, job: Job) -> TaskResult:
        """The handle to a job that is put in, or is going to be."""
        moment = datetime.fromtimestamp(job.enqueued_at, UTC)
        state = "queued" if job.run_after is None else "scheduled"
        return TaskResult(
            job.id,
            job.task,
            job.arguments,
            self.name,
            enqueued_at=moment,
            state=state,
            _find=self.find,
        )

    def missing(self, jobs: list[Job]) -> list[Job]:
        """Which of these jobs, taken a moment ago, are not there any more.

        Returns when what keeps the others would still have them after a SIGKILL; raises its error
        when it can't tell. Here: nothing is missing, and there is nothing to wait for.
        """
        return []

    def find(self, job_id: str) -> TaskResult | None:
        """What became of a job; None when nothing is known of it."""
        return None

    def count_by_state(self) -> dict[str, int]:
        """How many jobs are in each state, as far as the backend can tell."""
        return {}

    def waiting(self) -> Iterator[Job]:
        """Every job that waits, in the order in which they would run, for `python -m demo_app
        move`: the caller calls `forget` for each that is safe elsewhere before it asks for the
        next.

        Raises Unsupported when the jobs can't be had from outside.
        """
        raise Unsupported(
            f"the jobs of the backend {self.name!r} live and die with the process that put them "
            "in: there is nothing that another program could move"
        )

    def forget(self, job: Job) -> None:
        """Let go of a job that `waiting` gave."""
        raise NotImplementedError

    def close(self) -> None:  # noqa: B027 - a backend may have nothing to let go of
        """Stop taking jobs and let go of connections and threads; may be called twice."""


#: Takes the place of every backend, for tests; see `demo_app.jobs.testing`.
override: Backend | None = None


def backend_named(name: str | None = None) -> Backend:
    """The backend of that name, or the one that the settings choose; one object a process.

    Raises ValueError for an unknown name, and ImportError with what to install when the
    backend's library is missing.
    """
    if override is not None:
        return override
    return _made(BackendName(name) if name else settings().backend)


@cache
def _made(name: BackendName) -> Backend:
    try:
        module = import_module(f"demo_app.backends.{name}")
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ImportError(
            f"The backend {name!s} needs a library that is not installed: pip install '.[backends]'"
        ) from None
    made: Backend = module.make(settings())
    return made

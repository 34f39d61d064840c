"""The interface of a backend, which accepts jobs and runs them.

A new backend is one file: a subclass with `_enqueue` and the methods for its further capabilities.
The settings name the backend: either a module in `demo_app.backends`, which has a function `make`,
or ``package.module:callable``. This function receives the settings, and returns the backend.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from typing import ClassVar

from demo_app.failpoints import Step, hit
from demo_app.jobs.capabilities import Capabilities, Priority, Unsupported
from demo_app.jobs.job import Job
from demo_app.jobs.result import TaskResult
from demo_app.settings import Settings, known, settings


class Backend(ABC):
    """A queue backend, which accepts jobs and runs them.

    Attributes:
        name: the backend's name in the settings.
        in_request: True if `_enqueue` runs the jobs before it returns.
        capabilities: the backend's optional features. Jobs that need others are refused.
    """

    name: str
    in_request: bool = False
    capabilities: ClassVar[Capabilities] = Capabilities()

    def start(self) -> None:  # noqa: B027 - a backend may have nothing to begin
        """Start the backend in a producer; called once.

        Creating a backend starts nothing, since a program may only need the command of its worker.
        """

    @abstractmethod
    def _enqueue(self, jobs: list[Job]) -> None:
        """Enqueue these jobs in their order. They have been checked.

        A backend with results ignores a job whose id is known, because the relay enqueues the
        outbox's jobs again after a restart. If a server does not answer, raise the client's error;
        the caller will retry with the same jobs.
        """

    def enqueue(self, job: Job) -> TaskResult:
        return self.enqueue_many([job])[0]

    def enqueue_many(self, jobs: list[Job]) -> list[TaskResult]:
        """Enqueue jobs in their order.

        Raises:
            Unsupported: the backend cannot run one of the jobs. Then no job is enqueued.
        """
        for job in jobs:
            self.check(job)
        self._enqueue(jobs)
        hit(Step.ENQUEUED)
        if self.in_request:  # the jobs have ended already
            return [self.find(job.id) or self.handle(job) for job in jobs]
        return [self.handle(job) for job in jobs]

    def check(self, job: Job) -> None:
        """Raise Unsupported if this backend cannot run the job."""
        queues = settings().queues
        if job.queue_name not in queues:
            raise Unsupported(
                f"{job.task}: no worker consumes the queue {job.queue_name!r}. "
                f"Use one of {', '.join(queues)}, or add it to DEMO_QUEUES."
            )
        if job.priority and self.capabilities.priority is Priority.NONE:
            raise Unsupported(
                f"{job.task}: the backend {self.name!r} has no priorities; "
                f"remove priority={job.priority}, or choose another backend."
            )
        if job.run_after is not None and not self.capabilities.run_after:
            raise Unsupported(
                f"{job.task}: the backend {self.name!r} runs each job immediately and can't "
                f"delay it until {job.run_after:%Y-%m-%d %H:%M:%S %Z}. "
                f"Choose another backend for run_after."
            )

    def enqueue_supported(self, jobs: list[Job]) -> dict[str, str]:
        """Enqueue the supported jobs. Return the reason for each refused job, by job id."""
        reasons = {}
        for job in jobs:
            try:
                self.check(job)
            except Unsupported as error:
                reasons[job.id] = str(error)
        self.enqueue_many([job for job in jobs if job.id not in reasons])
        return reasons

    def handle(self, job: Job) -> TaskResult:
        """Return the result object of a job that was just enqueued."""
        return TaskResult(
            job.id,
            job.task,
            job.arguments,
            self.name,
            attempts=job.attempts,
            enqueued_at=datetime.fromtimestamp(job.enqueued_at, UTC),
            state="queued" if job.run_after is None else "scheduled",
        )

    def find(self, job_id: str) -> TaskResult | None:
        """Return the result of a job, or None if it is unknown."""
        return None

    def states(self, job_ids: Sequence[str]) -> dict[str, str]:
        """Return the states of the jobs by id, without unknown jobs.

        The caller enqueues unknown jobs again.

        Raises:
            an error of the client library: the backend does not answer.
        """
        found = [self.find(job_id) for job_id in job_ids]
        return {result.id: result.state for result in found if result is not None}

    def keep(self, job_ids: Sequence[str], *, kept: bool = True) -> None:  # noqa: B027 - may be
        """Exempt these jobs from the limits of the history; kept=False ends the exemption.

        An outbox has a copy of these jobs, and will call `states` for them.

        Raises:
            an error of the client library: the backend does not answer.
        """

    def kept(self) -> list[str]:
        """Return the ids of the jobs that `keep` has exempted."""
        return []

    def count_by_state(self) -> dict[str, int]:
        """Return the number of jobs in each state that the backend can count."""
        return {}

    def worker_command(self) -> list[str] | None:
        """Return the command line of a worker process.

        Returns None if the jobs run in the producer's process.
        """
        return None

    def worker_ready(self, pid: int) -> bool:
        """Return True if the worker process with this pid is ready for jobs."""
        return True

    def close(self) -> None:  # noqa: B027 - a backend may have nothing to close
        """Stop accepting jobs, and close connections and threads. A second call does nothing."""


def backend_named(name: str | None = None) -> Backend:
    """Return the backend with this name. The first call in a process creates and starts it.

    Args:
        name: None for the backend of the settings.

    Raises:
        ValueError: the name is unknown.
        ImportError: the backend's library is missing. The message contains the install command.
    """
    # as a plain str, since a member of BackendName would be another key of the cache
    return started_backend(str(name or settings().backend))


@cache
def started_backend(name: str) -> Backend:
    made = make_backend(name, settings())
    made.start()
    return made


def make_backend(name: str, chosen: Settings) -> Backend:
    """Create a backend for these settings; see `backend_named` for the errors."""
    module, _, maker = known(name).partition(":")
    if not maker:
        module, maker = f"demo_app.backends.{name}", "make"
    try:
        imported = import_module(module)
    except ModuleNotFoundError as error:
        if error.name and module.startswith(error.name):
            raise ValueError(f"there is no backend {name!r}: {error}") from None
        if error.name != name:
            raise
        raise ImportError(
            f"The backend {name!s} needs a library that is not installed: pip install '.[backends]'"
        ) from None
    make: Callable[[Settings], Backend] | None = getattr(imported, maker, None)
    if make is None:
        raise ValueError(f"there is no {maker!r} in {module}")
    return make(chosen)

"""What a backend is: it takes jobs, and sees to it that they run.

A new one is one file: a subclass that fills in `_enqueue`, and whatever else it promises. It is
chosen by name: a module in `demo_app.backends` that has a function `make`, or anywhere else as
``package.module:callable``; either is called with the settings and returns the backend.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import ClassVar

from demo_app.failpoints import Step, hit
from demo_app.jobs.capabilities import Capabilities, Priority, Unsupported
from demo_app.jobs.job import Job
from demo_app.jobs.result import TaskResult
from demo_app.settings import Settings, settings

_PACKAGE = "demo_app.backends"


class Backend(ABC):
    """Takes jobs, and sees to it that they run.

    name: as in the settings. in_request: whether `_enqueue` runs the jobs before it returns.
    capabilities: what it promises; a job that asks for more is refused.
    """

    name: str
    in_request: bool = False
    capabilities: ClassVar[Capabilities] = Capabilities()

    def start(self) -> None:  # noqa: B027 - a backend may have nothing to begin
        """Begin, in the process that puts jobs in, with what an earlier process left: called once.

        Making a backend starts nothing: a program may only want its worker's command.
        """

    @abstractmethod
    def _enqueue(self, jobs: list[Job]) -> None:
        """Take these jobs, in their order; they were checked already.

        Ignore a job whose id is known, if the backend has results: after a restart the outbox hands
        over its jobs again. What can't be reached raises its own error; the caller then hands the
        same jobs over again.
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
        self._enqueue(jobs)
        hit(Step.ENQUEUED)
        if self.in_request:  # each has ended by now
            return [self.find(job.id) or self.handle(job) for job in jobs]
        return [self.handle(job) for job in jobs]

    def check(self, job: Job) -> None:
        """Raises Unsupported, which says what the job asks for and this backend does not do."""
        queues = settings().queues
        if job.queue_name not in queues:
            raise Unsupported(
                f"{job.task}: nobody works on the queue {job.queue_name!r}. "
                f"The queues are {', '.join(queues)}; DEMO_QUEUES names them."
            )
        if job.priority and self.capabilities.priority is Priority.NONE:
            raise Unsupported(
                f"{job.task}: the backend {self.name!r} has no priorities; "
                f"leave priority={job.priority} out, or choose another backend."
            )
        if job.run_after is not None and not self.capabilities.run_after:
            raise Unsupported(
                f"{job.task}: the backend {self.name!r} runs jobs at once and can't wait until "
                f"{job.run_after:%Y-%m-%d %H:%M:%S %Z}; choose another backend for run_after."
            )

    def enqueue_supported(self, jobs: list[Job]) -> dict[str, str]:
        """Take those of the jobs that this backend does; returns why not, by id, for the others."""
        reasons = {}
        for job in jobs:
            try:
                self.check(job)
            except Unsupported as error:
                reasons[job.id] = str(error)
        self.enqueue_many([job for job in jobs if job.id not in reasons])
        return reasons

    def handle(self, job: Job) -> TaskResult:
        """The handle to a job that was put in."""
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
        """What became of a job; None when nothing is known of it."""
        return None

    def states(self, job_ids: Sequence[str]) -> dict[str, str]:
        """The state of each of these jobs; one of which nothing is known is left out, and the
        caller, who still has it, hands it over again.

        Raises its error when it can't be reached.
        """
        found = [self.find(job_id) for job_id in job_ids]
        return {result.id: result.state for result in found if result is not None}

    def keep(self, job_ids: Sequence[str], *, kept: bool = True) -> None:  # noqa: B027 - may be
        """Keep these jobs, however long ago they ended, or (kept=False) forget them as usual.

        An outbox has a copy of them, and will ask `states`. Raises the backend's error if it does
        not answer.
        """

    def kept(self) -> list[str]:
        """The ids that are to be kept."""
        return []

    def count_by_state(self) -> dict[str, int]:
        """How many jobs are in each state, as far as the backend can tell."""
        return {}

    def worker_command(self) -> list[str] | None:
        """The command line that starts one worker process, which reads the same settings; None
        when the jobs run in the process that puts them in."""
        return None

    def worker_ready(self, pid: int) -> bool:
        """Whether the worker process with this pid takes jobs by now."""
        return True

    def close(self) -> None:  # noqa: B027 - a backend may have nothing to close
        """Stop taking jobs, and close connections and threads; may be called twice."""


def backend_named(name: str | None = None) -> Backend:
    """The backend of that name, or the one that the settings choose; one object a process.

    Raises ValueError for an unknown name, and ImportError with what to install when the
    backend's library is missing.
    """
    # a plain str: to the cache a member of BackendName is another name
    return started_backend(str(name or settings().backend))


@cache
def started_backend(name: str) -> Backend:
    """The backend of that name; its cache is cleared when the settings are others."""
    made = make_backend(name, settings())
    made.start()
    return made


def known(name: str) -> str:
    """The name, if it is one of a backend that there is, or of anybody's own. Raises ValueError."""
    if ":" not in name and name not in known_backends():
        raise ValueError(
            f"there is no backend {name!r}: it is one of {', '.join(known_backends())}, "
            "or package.module:callable for one of your own"
        )
    return name


def make_backend(name: str, chosen: Settings) -> Backend:
    """A new backend of that name for these settings; see the module, and `backend_named`."""
    module, _, maker = known(name).partition(":")
    if not maker:
        module, maker = f"{_PACKAGE}.{name}", "make"
    try:
        make: Callable[[Settings], Backend] = getattr(import_module(module), maker)
    except AttributeError:
        raise ValueError(f"there is no {maker!r} in {module}") from None
    except ModuleNotFoundError as error:
        if error.name and module.startswith(error.name):
            raise ValueError(f"there is no backend {name!r}: {error}") from None
        if error.name != name:
            raise
        raise ImportError(
            f"The backend {name!s} needs a library that is not installed: pip install '.[backends]'"
        ) from None
    return make(chosen)


@cache
def known_backends() -> list[str]:
    """The backends that come with this project: the modules that have a function `make`.

    Their text is searched, since to import one takes its library.
    """
    folder = Path(str(import_module(_PACKAGE).__file__)).parent
    files = sorted(folder.glob("*.py"))
    return [file.stem for file in files if "\ndef make(" in file.read_text("utf-8")]

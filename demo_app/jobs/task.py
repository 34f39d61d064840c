"""The decorator `@task`, which makes a function a task. Any backend can run the task's jobs."""

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, ParamSpec, TypeVar, overload

from demo_app.jobs.arguments import by_name, check_function, checked
from demo_app.jobs.backend import backend_named
from demo_app.jobs.job import Job
from demo_app.jobs.result import TaskResult
from demo_app.jobs.retries import Policy, policies_of

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Task(Generic[P, R]):
    """A task with the options of its jobs. A task is immutable; `using` returns a changed copy."""

    function: Callable[..., R]
    queue_name: str = "default"
    priority: int = 0
    run_after: datetime | None = None
    backend: str | None = None

    def __post_init__(self) -> None:
        if not -100 <= self.priority <= 100:
            raise ValueError(f"the priority must be from -100 to 100, not {self.priority}")
        if self.run_after is not None and self.run_after.tzinfo is None:
            raise ValueError("run_after needs a time zone, as in datetime.now(UTC)")

    @property
    def name(self) -> str:
        """The dotted path by which a worker finds the task."""
        return f"{self.function.__module__}.{self.function.__qualname__}"

    @property
    def policies(self) -> tuple[Policy, ...]:
        return policies_of(self.function)

    def using(
        self,
        *,
        priority: int | None = None,
        queue_name: str | None = None,
        run_after: datetime | None = None,
        backend: str | None = None,
    ) -> "Task[P, R]":
        """Return a copy with other options. None leaves an option unchanged.

        Args:
            priority: -100 to 100; higher runs first.
            run_after: the earliest time to run a job, with a time zone.

        Raises:
            ValueError: the priority is out of range, or `run_after` has no time zone.
        """
        given: dict[str, Any] = {
            "priority": priority,
            "queue_name": queue_name,
            "run_after": run_after,
            "backend": backend,
        }
        return replace(self, **{key: value for key, value in given.items() if value is not None})

    def job(self, *args: P.args, **kwargs: P.kwargs) -> Job:
        """Return the job that `enqueue` would enqueue.

        Raises:
            ArgumentError: an argument is missing or unknown, or JSON would change it.
        """
        arguments = by_name(self.name, self.function, args, kwargs)
        return Job(
            task=self.name,
            arguments=checked(self.name, arguments),
            queue_name=self.queue_name,
            priority=self.priority,
            run_after=self.run_after,
        )

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> TaskResult:
        """Enqueue a job; see `job` and `enqueue_many` for the errors."""
        return enqueue_many([self.job(*args, **kwargs)], self.backend)[0]

    def call(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)


def enqueue_many(jobs: Iterable[Job], backend: str | None = None) -> list[TaskResult]:
    """Enqueue jobs in their order, in one round trip if the backend supports it.

    Raises:
        Unsupported: the backend cannot run one of the jobs. Then no job is enqueued.
    """
    return backend_named(backend).enqueue_many(list(jobs))


@overload
def task(function: Callable[P, R], /) -> Task[P, R]: ...
@overload
def task(
    *, queue_name: str = ..., priority: int = ...
) -> Callable[[Callable[P, R]], Task[P, R]]: ...
def task(
    function: Callable[..., Any] | None = None, /, *, queue_name: str = "default", priority: int = 0
) -> Any:
    """Make a module-level function a task.

    Raises:
        TypeError: a worker could not find the function by its name, or could not call it.
        ValueError: the priority is out of range.
    """

    def make(function: Callable[..., Any]) -> Task[..., Any]:
        check_function(function)
        made: Task[..., Any] = Task(function, queue_name, priority)
        _registry[made.name] = made  # replaces a task with the same name
        return made

    return make if function is None else make(function)


_registry: dict[str, Task[..., Any]] = {}


def find_task(name: str) -> Task[..., Any] | None:
    """Return the task with this name, or None if its module was not imported."""
    return _registry.get(name)


def all_tasks() -> dict[str, Task[..., Any]]:
    return dict(_registry)


def load_tasks(modules: Iterable[str]) -> None:
    """Import the modules with `@task` functions.

    Raises:
        ImportError: a module cannot be imported; the message names it.
    """
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise ImportError(f"can't import the tasks of {module!r}: {error}") from error

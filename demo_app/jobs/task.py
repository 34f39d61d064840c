"""`@task`: a function that can be put into a queue, on every backend."""

from __future__ import annotations

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
    """A task, and how its jobs are to be put in; immutable, `using` gives a changed copy."""

    function: Callable[..., R]
    queue_name: str = "default"
    priority: int = 0
    run_after: datetime | None = None
    backend: str | None = None

    def __post_init__(self) -> None:
        if not -100 <= self.priority <= 100:
            raise ValueError(f"a priority is -100 to 100, not {self.priority}")
        if self.run_after is not None and self.run_after.tzinfo is None:
            raise ValueError("run_after must say its time zone, as in datetime.now(UTC)")

    @property
    def name(self) -> str:
        """The dotted path by which a worker finds the task."""
        return f"{self.function.__module__}.{self.function.__qualname__}"

    @property
    def policies(self) -> tuple[Policy, ...]:
        """What was said with `retry_on` and `discard_on`."""
        return policies_of(self.function)

    def using(
        self,
        *,
        priority: int | None = None,
        queue_name: str | None = None,
        run_after: datetime | None = None,
        backend: str | None = None,
    ) -> Task[P, R]:
        """A copy that puts its jobs in differently.

        priority: -100 to 100, higher runs first. run_after: an aware datetime.
        Raises ValueError for a priority out of range or a naive datetime.
        """
        given = {
            "priority": priority,
            "queue_name": queue_name,
            "run_after": run_after,
            "backend": backend,
        }
        changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        return replace(self, **changes)

    def job(self, *args: P.args, **kwargs: P.kwargs) -> Job:
        """The job that `enqueue` would put in, not yet put in anywhere.

        Raises ArgumentError when an argument is missing, unknown, or not what JSON carries.
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
        """Put a job in, to be run by the backend in force; see `job` for what it raises."""
        return enqueue_many([self.job(*args, **kwargs)], self.backend)[0]

    def call(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it now, here, as the plain function that it is."""
        return self.function(*args, **kwargs)


def enqueue_many(jobs: Iterable[Job], backend: str | None = None) -> list[TaskResult]:
    """Put many jobs in at once, in their order: one round trip where the backend can.

    Raises Unsupported when a job asks for what the backend does not do; then none is put in.
    """
    return backend_named(backend).enqueue_many(list(jobs))


@overload
def task(function: Callable[P, R], /) -> Task[P, R]: ...
@overload
def task(
    *, queue_name: str = ..., priority: int = ...
) -> Callable[[Callable[P, R]], Task[P, R]]: ...
def task(
    function: Callable[..., Any] | None = None,
    /,
    *,
    queue_name: str = "default",
    priority: int = 0,
) -> Any:
    """Make a task of a module-level function.

    Raises TypeError for a function that no worker could find by its name, or call, and ValueError
    for a priority out of range.
    """

    def make(function: Callable[..., Any]) -> Task[..., Any]:
        check_function(function)
        made: Task[..., Any] = Task(function, queue_name, priority)
        _registry[made.name] = made  # one of the same name goes
        return made

    return make if function is None else make(function)


#: Every task of this process, by the name under which a worker finds it.
_registry: dict[str, Task[..., Any]] = {}


def find_task(name: str) -> Task[..., Any] | None:
    """The task of that name, if its module was imported."""
    return _registry.get(name)


def all_tasks() -> dict[str, Task[..., Any]]:
    """Every task of the modules imported so far, by name."""
    return dict(_registry)


def load_tasks(modules: Iterable[str]) -> None:
    """Import the modules that hold `@task` functions.

    Raises ImportError with the module's name when one can't be imported.
    """
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise ImportError(f"can't import the tasks of {module!r}: {error}") from error

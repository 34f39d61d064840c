"""What should happen around a job: `around_enqueue` and `around_perform`.

One context manager says both what comes before and what comes after, and sees the exception in
between; Rails' ActiveJob has six names for that. Put them below `@task`, the outermost first::

    @contextmanager
    def timed(job: Job) -> Iterator[None]:
        began = time.perf_counter()
        yield
        print(job.task, time.perf_counter() - began)

    @task
    @around_perform(timed)
    def work() -> None: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import ParamSpec, TypeVar

from demo_app.jobs.job import Job

P = ParamSpec("P")
R = TypeVar("R")
Around = Callable[[Job], AbstractContextManager[object]]


def around_enqueue(manager: Around) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Enter the manager before a job is put in, in the process that does; what it raises keeps
    the job out."""
    return _with("__around_enqueue__", manager)


def around_perform(manager: Around) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Enter the manager before each try, where the job runs; what it raises fails the try."""
    return _with("__around_perform__", manager)


def enqueueing(
    functions: list[tuple[Callable[..., object], Job]],
) -> AbstractContextManager[None]:
    """Everything that was asked for around the putting in of these jobs."""
    if any(hasattr(function, "__around_enqueue__") for function, _ in functions):
        return _entering("__around_enqueue__", functions)
    return nullcontext()


def performing(function: Callable[..., object], job: Job) -> AbstractContextManager[None]:
    """Everything that was asked for around one try of the job."""
    if hasattr(function, "__around_perform__"):
        return _entering("__around_perform__", [(function, job)])
    return nullcontext()


@contextmanager
def _entering(name: str, functions: list[tuple[Callable[..., object], Job]]) -> Iterator[None]:
    with ExitStack() as stack:
        for function, job in functions:
            for manager in getattr(function, name, ()):
                stack.enter_context(manager(job))
        yield


def _with(name: str, manager: Around) -> Callable[[Callable[P, R]], Callable[P, R]]:
    def mark(function: Callable[P, R]) -> Callable[P, R]:
        setattr(function, name, (manager, *getattr(function, name, ())))
        return function

    return mark

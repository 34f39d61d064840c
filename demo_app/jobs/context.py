"""The context of a running job: its id and try, a checkpoint, and notes for its history."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from demo_app.jobs.job import Job


@dataclass(frozen=True, slots=True)
class Context:
    """The context of a running job.

    Attributes:
        attempt: 1 for the first try.
        check: raises LeaseLost if another worker may have the job.
        notes: facts for the job's history, by name.
    """

    job: Job
    attempt: int
    check: Callable[[], None]
    notes: dict[str, Any]


_current: ContextVar[Context | None] = ContextVar("current job", default=None)


def current() -> Context | None:
    """Return the context of the job that runs in this thread, or None."""
    return _current.get()


def checkpoint() -> None:
    """Raise LeaseLost if another worker may have the job. Call it right before a side effect.

    Outside a job, do nothing.
    """
    context = _current.get()
    if context is not None:
        context.check()


def note(name: str, value: str) -> None:
    """Note a fact for the running job's history, such as the Message-ID of its mail.

    Outside a job, do nothing.
    """
    context = _current.get()
    if context is not None:
        context.notes[name] = value


@contextmanager
def running(context: Context) -> Iterator[None]:
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)

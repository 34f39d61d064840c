"""What a running job can find out about itself, and what it can report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from demo_app.jobs.job import Job


@dataclass(frozen=True, slots=True)
class Context:
    """What a running job may know of itself.

    attempt: 1 for the first try. check: raises LeaseLost when the job is not ours any more.
    """

    job: Job
    attempt: int
    check: Callable[[], None]
    notes: dict[str, Any]


_current: ContextVar[Context | None] = ContextVar("current job", default=None)


def current() -> Context | None:
    """The job that runs here, if one does."""
    return _current.get()


def checkpoint() -> None:
    """Call right before a side effect: raises LeaseLost when the job went to another worker."""
    context = _current.get()
    if context is not None:
        context.check()


def note(name: str, value: str) -> None:
    """Leave something about the running job in its history, such as the Message-ID of its mail."""
    context = _current.get()
    if context is not None:
        context.notes[name] = value


@contextmanager
def running(context: Context) -> Iterator[None]:
    """Let this be the job that runs here, for the block."""
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)

"""Run one job, and say how it ended; every backend does it this way."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from demo_app.jobs.job import Job
from demo_app.jobs.result import TaskError
from demo_app.jobs.retries import Drop, policy_for
from demo_app.jobs.task import all_tasks


class LeaseLost(BaseException):
    """This worker was taken for dead and the job is another's now: stop, without side effects.

    No Exception, so that a job's own `except Exception` can't swallow it.
    """


@dataclass(frozen=True, slots=True)
class Done:
    """It ran to its end."""

    value: Any


@dataclass(frozen=True, slots=True)
class Again:
    """It failed and is due again after so many seconds."""

    after: float
    error: TaskError


@dataclass(frozen=True, slots=True)
class Discarded:
    """It failed in a way that makes another try pointless."""

    reason: str


@dataclass(frozen=True, slots=True)
class Dead:
    """It failed too often, or can't be run at all; a person has to look."""

    error: TaskError


Outcome = Done | Again | Discarded | Dead


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
def _running(context: Context) -> Iterator[None]:
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)


def perform(
    job: Job, *, check: Callable[[], None] = lambda: None, notes: dict[str, Any] | None = None
) -> Outcome:
    """Run the job here and now.

    check: see `Context`. notes: receives what the job leaves with `note`.
    Raises LeaseLost, and whatever is no Exception; every Exception becomes an outcome.
    """
    task = all_tasks().get(job.task)
    if task is None:
        return Dead(
            TaskError("LookupError", f"no task {job.task!r} here; is its module in DEMO_TASKS?")
        )
    context = Context(job, job.attempts + 1, check, {} if notes is None else notes)
    arguments = (context,) if task.takes_context else ()
    try:
        with _running(context):
            check()
            return Done(task.function(*arguments, **job.arguments))
    except Exception as error:
        return _after(error, job, task.policies)


def _after(error: Exception, job: Job, policies: tuple[Any, ...]) -> Outcome:
    policy = policy_for(policies, error)
    if isinstance(policy, Drop):
        return Discarded(f"{type(error).__name__}: {error}")
    failures = job.attempts + 1
    path = f"{type(error).__module__}.{type(error).__qualname__}"
    told = TaskError(path, "".join(traceback.format_exception(error)))
    if failures >= policy.attempts:
        return Dead(told)
    return Again(policy.wait(failures), told)


def wait_until_due(job: Job) -> float:
    """Seconds until the job may run; 0 when it may now."""
    return 0.0 if job.due is None else max(0.0, job.due - time.time())

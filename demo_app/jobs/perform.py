"""Run one job, and say how it ended; every backend does it this way."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from demo_app.broker.lease import LeaseLost as LeaseLost
from demo_app.jobs.arguments import as_it_arrives
from demo_app.jobs.callbacks import performing
from demo_app.jobs.context import Context, running
from demo_app.jobs.job import Job
from demo_app.jobs.records import RecordGone, loaded
from demo_app.jobs.registry import find_task
from demo_app.jobs.result import TaskError
from demo_app.jobs.retries import Drop, policy_for

if TYPE_CHECKING:
    from demo_app.jobs.task import Task


class ReturnValueError(TypeError):
    """A job returned what JSON can't carry, so that nobody could ever be told."""


class JobTimeout(BaseException):
    """The job ran for longer than a job may. Raised in the middle of it, at any line of Python.

    No Exception, so that a job's own `except Exception` can't swallow it; `retry_on` may name it.
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


def perform(
    job: Job, *, check: Callable[[], None] = lambda: None, notes: dict[str, Any] | None = None
) -> Outcome:
    """Run the job here and now.

    check: see `Context`. notes: receives what the job leaves with `note`.
    Raises LeaseLost, and whatever is no Exception; every Exception becomes an outcome (see
    `after_failure` for the others).
    """
    task = find_task(job.task)
    if task is None:
        missing = f"no task {job.task!r} here; is its module in DEMO_TASKS?"
        return Dead(TaskError("builtins.LookupError", missing))
    context = Context(job, job.attempts + 1, check, {} if notes is None else notes)
    try:
        with running(context), performing(task.function, job):
            check()
            value = _call(task, context)
    except Exception as error:
        return after_failure(error, job)
    return _returned(value, job)


def _call(task: Task[..., Any], context: Context) -> Any:
    arguments = {name: loaded(value) for name, value in context.job.arguments.items()}
    return task.function(*((context,) if task.takes_context else ()), **arguments)


def _returned(value: Any, job: Job) -> Outcome:
    try:
        return Done(as_it_arrives(value))
    except (TypeError, ValueError, RecursionError) as error:
        # not tried again: the job did its work, and would return the same once more
        told = ReturnValueError(
            f"{job.task} returned a {type(value).__name__}, which JSON can't carry ({error})"
        )
        return Dead(TaskError(_path(told), str(told)))


def after_failure(error: BaseException, job: Job) -> Outcome:
    """How a job ends that this error has ended, by what its task says of such errors."""
    task = find_task(job.task)
    policy = policy_for(task.policies if task else (), error)
    if isinstance(policy, Drop) or isinstance(error, RecordGone):
        return Discarded(f"{type(error).__name__}: {error}")
    failures = job.attempts + 1
    told = TaskError(_path(error), "".join(traceback.format_exception(error)))
    if failures >= policy.attempts:
        return Dead(told)
    return Again(policy.wait(failures), told)


def _path(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"

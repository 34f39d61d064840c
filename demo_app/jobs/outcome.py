"""The outcome of one try of a job, and its effect on the job's result."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from demo_app.jobs.result import TaskError, TaskResult


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The job succeeded.

    Attributes:
        value: its return value after a round trip through JSON.
    """

    value: Any


@dataclass(frozen=True, slots=True)
class Retry:
    """The job failed and is tried again.

    Attributes:
        after: seconds until the next try.
        outage: True to try the job earlier if another job of the same task succeeds.
    """

    after: float
    error: TaskError
    outage: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """The job failed too often, or cannot run. It is dead: only a person can retry it."""

    error: TaskError


@dataclass(frozen=True, slots=True)
class Discarded:
    """The job is discarded, since another try is pointless.

    Attributes:
        reason: the exception as text.
    """

    reason: str


Outcome = Succeeded | Retry | Failed | Discarded


class JobDead(Exception):
    """The job is dead. Workers raise this for RQ and stock Celery, which expect an exception."""


def begin(result: TaskResult, attempt: int) -> None:
    result.state, result.attempts, result.started_at = "running", attempt, datetime.now(UTC)


def end(result: TaskResult, outcome: Outcome) -> None:
    match outcome:
        case Succeeded(value):
            result.state, result._return_value = "done", value
        case Discarded(reason):
            result.state, result.reason = "discarded", reason
        case Retry(_, error):
            result.state = "retrying"
            result.errors.append(error)
        case Failed(error):
            result.state = "dead"
            result.errors.append(error)
    if result.is_finished:
        result.finished_at = datetime.now(UTC)

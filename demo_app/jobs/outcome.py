"""How one try of a job ended, on every backend, and what its result says from then on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from demo_app.jobs.result import TaskError, TaskResult


@dataclass(frozen=True, slots=True)
class Succeeded:
    """It ran to its end; value: what it returned, as JSON carries it."""

    value: Any


@dataclass(frozen=True, slots=True)
class Retry:
    """It failed and is due again; after: seconds until then. outage: or as soon as another job of
    its task succeeds."""

    after: float
    error: TaskError
    outage: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """It failed too often, or can't be run at all: it is dead, and a person has to look."""

    error: TaskError


@dataclass(frozen=True, slots=True)
class Discarded:
    """It failed in a way that makes another try pointless; reason: the exception, in words."""

    reason: str


Outcome = Succeeded | Retry | Failed | Discarded


class JobDead(Exception):
    """A job was given up: what a worker raises whose library takes nothing else for a failure."""


def begin(result: TaskResult, attempt: int) -> None:
    """Note in a job's result that its try of that number begins."""
    result.state, result.attempts, result.started_at = "running", attempt, datetime.now(UTC)


def end(result: TaskResult, outcome: Outcome) -> None:
    """Note in a job's result how its try ended."""
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

"""How one try of a job ended: the one word for it, on every backend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from demo_app.jobs.result import TaskError


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

"""The states that a job can be in, and what can happen to it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Where a job can be; at every moment it is in exactly one."""

    QUEUED = "queued"
    RUNNING = "running"
    SCHEDULED = "scheduled"
    RETRYING = "retrying"
    DEAD = "dead"
    DONE = "done"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a job.

    at: seconds since the epoch, by the clock of Redis. by: the worker, or who it was.
    notes: what is known beside that; `text` where it is plain words.
    """

    event: str
    at: float
    by: str
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def error_class(self) -> str:
        """The exception's dotted name, for a failed try."""
        return str(self.notes.get("error", ""))

    @property
    def traceback(self) -> str:
        """The traceback as text, for a failed try."""
        return str(self.notes.get("traceback", self.notes.get("text", "")))


def event_of(line: str) -> Event:
    """An event as it lies in the list `job:<id>`."""
    event, at, by, detail = json.loads(line)
    return Event(event, float(at), by, notes_of(detail))


def notes_of(detail: str) -> dict[str, Any]:
    """An event's detail: JSON where a worker wrote it, plain words where a script did."""
    if detail.startswith("{"):
        with suppress(ValueError):
            return dict(json.loads(detail))
    return {"text": detail} if detail else {}

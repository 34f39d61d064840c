"""The states that a job can be in, and what can happen to it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

#: No moment is later, in seconds since the epoch.
_LATEST = 2.5e11


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
    """An event as it lies in the list `job:<id>`; one that can't be read is `unreadable`, and has
    the line as its text, since other programs may write into Redis."""
    try:
        event, at, by, detail = json.loads(line)
        if isinstance(event, str) and isinstance(by, str) and isinstance(detail, str):
            return Event(event, moment_of(at), by, notes_of(detail))
    except (ValueError, TypeError, RecursionError):
        pass
    return Event("unreadable", 0.0, "", {"text": line[:1000]})


def notes_of(detail: str) -> dict[str, Any]:
    """An event's detail: JSON where a worker wrote it, plain words where a script did."""
    return object_of(detail) or ({"text": detail} if detail else {})


def object_of(text: str) -> dict[str, Any]:
    """The JSON object that a text is; empty for any other text."""
    if text.startswith("{"):
        with suppress(ValueError, RecursionError):
            found = json.loads(text)
            json.dumps(found, ensure_ascii=False, allow_nan=False).encode()  # it can be shown
            return dict(found)
    return {}


def moment_of(value: Any) -> float:
    """Seconds since the epoch; 0.0 for what is no such moment."""
    with suppress(ValueError, TypeError, OverflowError):
        moment = float(value)
        if 0 <= moment < _LATEST:
            return moment
    return 0.0

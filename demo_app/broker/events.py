"""The states that a job can be in, and what can happen to it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
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


@dataclass(frozen=True)
class Event:
    """One thing that happened to a job, or to a worker.

    at: seconds since the epoch, by the clock of Redis. by: the worker, or who it was. detail: JSON
    where a worker wrote it, plain words where a script did. job, id: in the journal its job, and
    where it stands there; "" when it is about a worker, and in a job's own history.
    """

    event: str
    at: float
    by: str = ""
    detail: str = ""
    job: str = ""
    id: str = ""

    @cached_property
    def notes(self) -> dict[str, Any]:
        """The detail's parts; `text` where it is plain words."""
        return object_of(self.detail) or ({"text": self.detail} if self.detail else {})

    @property
    def error_class(self) -> str:
        """The exception's dotted name, for a failed try."""
        return str(self.notes.get("error", ""))

    @property
    def traceback(self) -> str:
        """The traceback as text, for a failed try."""
        return str(self.notes.get("traceback", self.notes.get("text", "")))


def event_of(line: str) -> Event:
    """An event as it lies in the list `job:<id>`; one that can't be read is `unreadable`, with the
    line as its detail, since other programs may write into Redis."""
    with suppress(ValueError, TypeError, RecursionError):
        event, at, by, detail = json.loads(line)
        if isinstance(event, str) and isinstance(by, str) and isinstance(detail, str):
            return Event(event, moment_of(at), by, detail)
    return Event("unreadable", 0.0, "", line[:1000])


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

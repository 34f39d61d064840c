"""The states and the events of a job."""

import json
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

#: The latest valid time (seconds since the epoch): Python's dates end with the year 9999.
_LATEST = 2.5e11


class State(StrEnum):
    """The states of a job. A job is always in exactly one of them."""

    QUEUED = "queued"
    RUNNING = "running"
    SCHEDULED = "scheduled"
    RETRYING = "retrying"
    DEAD = "dead"
    DONE = "done"
    DISCARDED = "discarded"


@dataclass(frozen=True)
class Event:
    """One event of a job or of a worker.

    Attributes:
        at: seconds since the epoch by Redis' clock.
        by: the worker, producer or person that caused the event.
        detail: JSON from a worker, plain text from a script.
        job: the job's id; "" for an event of a worker, and in a job's own history.
        id: the entry's id in the journal; "" in a job's own history.
    """

    event: str
    at: float
    by: str = ""
    detail: str = ""
    job: str = ""
    id: str = ""

    @cached_property
    def notes(self) -> dict[str, Any]:
        """The detail as a dict: parsed from JSON, or a plain text under the key `text`."""
        return object_of(self.detail) or ({"text": self.detail} if self.detail else {})

    @property
    def error_class(self) -> str:
        """The dotted name of the exception of a failed try; "" for any other event."""
        return str(self.notes.get("error", ""))

    @property
    def traceback(self) -> str:
        return str(self.notes.get("traceback", self.notes.get("text", "")))


def event_of(line: str) -> Event:
    """Parse an event of the list `job:<id>`.

    A malformed line (from another program) becomes an event `unreadable`, with the beginning of
    the line as its detail.
    """
    with suppress(ValueError, TypeError, RecursionError):
        event, at, by, detail = json.loads(line)
        if isinstance(event, str) and isinstance(by, str) and isinstance(detail, str):
            return Event(event, moment_of(at), by, detail)
    return Event("unreadable", 0.0, "", line[:1000])


def object_of(text: str) -> dict[str, Any]:
    """Parse a JSON object. Return {} for any other text."""
    if text.startswith("{"):
        with suppress(ValueError, RecursionError):
            found = json.loads(text)
            # raises ValueError for NaN and lone surrogates, which a page can't contain
            json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
            return dict(found)
    return {}


def moment_of(value: Any) -> float:
    """Return seconds since the epoch as a number, or 0.0 if the value is not valid."""
    with suppress(ValueError, TypeError, OverflowError):
        moment = float(value)
        if 0 <= moment < _LATEST:
            return moment
    return 0.0

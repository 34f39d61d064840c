"""What is known of one job: its message, everything that happened to it, and its state after that.

It is all read from the list `job:<id>`, which the scripts and workers write.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from .message import parse_or_quote


class State(StrEnum):
    """Where a job can be; at every moment it is in exactly one."""

    QUEUED = "queued"
    RUNNING = "running"
    SCHEDULED = "scheduled"
    RETRYING = "retrying"
    DEAD = "dead"
    DONE = "done"
    DISCARDED = "discarded"


_STATE_AFTER = {
    "enqueued": State.QUEUED,
    "requeued": State.QUEUED,
    "rescued": State.QUEUED,
    "scheduled": State.SCHEDULED,
    "claimed": State.RUNNING,
    "retrying": State.RETRYING,
    "dead": State.DEAD,
    "done": State.DONE,
    "discarded": State.DISCARDED,
}


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


@dataclass(frozen=True, slots=True)
class JobView:
    """A job and everything that happened to it.

    position: 1 is next to run; None when it is not queued, or too far back to be counted.
    owner: the worker that holds it, while it runs. deliveries: how often it was claimed.
    attempts: how many tries were begun. due: epoch seconds, while scheduled or retrying.
    """

    id: str
    task: str
    arguments: dict[str, Any]
    queue: str
    priority: int
    state: State
    enqueued_at: float
    timeline: tuple[Event, ...]
    position: int | None = None
    due: float | None = None

    @property
    def owner(self) -> str | None:
        """Who holds it."""
        last = self._last("claimed")
        return last.by if last and self.state is State.RUNNING else None

    @property
    def deliveries(self) -> int:
        """How often a worker took it."""
        return sum(event.event == "claimed" for event in self.timeline)

    @property
    def attempts(self) -> int:
        """How many tries were begun: deliveries, less those given back before they ran."""
        failed = sum(event.event == "retrying" for event in self.timeline)
        return failed + (self.state in (State.RUNNING, State.DONE, State.DEAD, State.DISCARDED))

    @property
    def message_id(self) -> str | None:
        """The Message-ID of its mail."""
        done = self._last("done")
        return done.notes.get("message_id") if done else None

    @property
    def return_value(self) -> Any:
        """What it returned."""
        done = self._last("done")
        return done.notes.get("value") if done else None

    def _last(self, name: str) -> Event | None:
        return next((event for event in reversed(self.timeline) if event.event == name), None)


def view_of(
    job_id: str, lines: list[str], *, position: int | None = None, due: float | None = None
) -> JobView:
    """The job of a list `job:<id>`: its message comes first, then what happened to it.

    position, due: as in `JobView`; they are kept elsewhere in Redis.
    """
    message = parse_or_quote(job_id, lines[0])
    timeline = tuple(_event(line) for line in lines[1:])
    state = state_after(event.event for event in timeline)
    return JobView(
        message.id,
        message.task,
        message.arguments,
        message.queue,
        message.priority,
        state,
        message.enqueued_at or (timeline[0].at if timeline else 0.0),
        timeline,
        position if state is State.QUEUED else None,
        due,
    )


def state_after(events: Iterable[str]) -> State:
    """The state of a job after these events, named in their order."""
    state = State.QUEUED
    for event in events:
        state = _STATE_AFTER.get(event, state)
    return state


def _event(line: str) -> Event:
    event, at, by, detail = json.loads(line)
    return Event(event, float(at), by, notes_of(detail))


def notes_of(detail: str) -> dict[str, Any]:
    """An event's detail: JSON where a worker wrote it, plain words where a script did."""
    if detail.startswith("{"):
        with suppress(ValueError):
            return dict(json.loads(detail))
    return {"text": detail} if detail else {}

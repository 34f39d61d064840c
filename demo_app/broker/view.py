"""What is known of one job: its message, everything that happened to it, and its state after that.

It is all read from the list `job:<id>`, which the scripts and workers write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .events import Event, State, event_of, moment_of
from .fold import JobRecord
from .message import parse_or_quote


@dataclass(frozen=True, slots=True)
class JobView:
    """A job and everything that happened to it.

    position: 1 is next to run; None when it is not queued, or too far back to be counted.
    record: what its timeline comes to. due: epoch seconds, while scheduled or retrying.
    """

    id: str
    task: str
    arguments: dict[str, Any]
    queue: str
    priority: int
    enqueued_at: float
    timeline: tuple[Event, ...]
    record: JobRecord
    position: int | None = None
    due: float | None = None

    @property
    def state(self) -> State:
        """Where it is."""
        return self.record.state

    @property
    def owner(self) -> str | None:
        """Who holds it."""
        return self.record.holder or None

    @property
    def deliveries(self) -> int:
        """How often a worker took it."""
        return len(self.record.runs)

    @property
    def attempts(self) -> int:
        """How many tries were begun: deliveries, less those given back before they ran."""
        return self.record.tries

    @property
    def message_id(self) -> str | None:
        """The Message-ID of its mail."""
        done = self._last("done")
        found = done.notes.get("message_id") if done else None
        return found if isinstance(found, str) else None

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
    timeline = tuple(map(event_of, lines[1:]))
    record = JobRecord(message.id)
    for event in timeline:
        record.follow(event.event, event.at, event.by)
    return JobView(
        message.id,
        message.task,
        message.arguments,
        message.queue,
        message.priority,
        message.enqueued_at or record.enqueued,
        timeline,
        record,
        position if record.state is State.QUEUED else None,
        None if due is None else moment_of(due),
    )

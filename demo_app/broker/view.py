"""What is known of one job: its message, everything that happened to it, and what that comes to.

It is all read from the list `job:<id>`, which the scripts and workers write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .events import Event, State, event_of, moment_of
from .fold import JobRecord
from .message import parse_or_quote


@dataclass(slots=True, kw_only=True)
class JobView(JobRecord):
    """A job with what its message says, and everything that happened to it.

    arguments: None once it is done or discarded. position: 1 is next to run; None when it is not
    queued, or too far back to be counted.
    due: epoch seconds, while scheduled or retrying.
    """

    task: str
    arguments: dict[str, Any] | None
    queue: str
    priority: int
    timeline: tuple[Event, ...]
    position: int | None = None
    due: float | None = None

    @property
    def owner(self) -> str | None:
        """The worker that has it, while it runs."""
        return self.holder or None

    @property
    def message_id(self) -> str | None:
        """The Message-ID of its mail."""
        found = self._end.get("message_id")
        return found if isinstance(found, str) else None

    @property
    def return_value(self) -> Any:
        """What it returned."""
        return self._end.get("value")

    @property
    def _end(self) -> dict[str, Any]:
        ends = (event.notes for event in reversed(self.timeline) if event.event == "done")
        return next(ends, {})


def view_of(
    job_id: str, lines: list[str], *, position: int | None = None, due: float | None = None
) -> JobView:
    """The job of a list `job:<id>`: its message comes first, then what happened to it.

    position, due: as in `JobView`; they are kept elsewhere in Redis.
    """
    message = parse_or_quote(job_id, lines[0])
    view = JobView(
        id=message.id,
        enqueued=message.enqueued_at,
        task=message.task,
        arguments=message.arguments,
        queue=message.queue,
        priority=message.priority,
        timeline=tuple(map(event_of, lines[1:])),
        due=None if due is None else moment_of(due),
    )
    for event in view.timeline:
        view.follow(event)
    view.position = position if view.state is State.QUEUED else None
    return view

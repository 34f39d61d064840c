"""One job with its message and its history, read from the list `job:<id>`."""

from dataclasses import dataclass
from typing import Any

from .events import Event, State, event_of, moment_of
from .fold import JobRecord
from .message import parse_or_quote


@dataclass(slots=True, kw_only=True)
class JobView(JobRecord):
    """A job with its message and its history.

    Attributes:
        arguments: None once the job is done or discarded.
        position: 1 for the next job of its list; None if the job is not queued, or if its position
            is unknown.
        due: when a scheduled or retrying job may run (seconds since the epoch).
    """

    task: str
    arguments: dict[str, Any] | None
    queue: str
    list_name: str
    priority: int
    timeline: tuple[Event, ...]
    position: int | None = None
    due: float | None = None

    @property
    def owner(self) -> str | None:
        return self.holder or None

    @property
    def message_id(self) -> str | None:
        """The Message-ID of the job's mail."""
        found = self._end.get("message_id")
        return found if isinstance(found, str) else None

    @property
    def return_value(self) -> Any:
        return self._end.get("value")

    @property
    def _end(self) -> dict[str, Any]:
        ends = (event.notes for event in reversed(self.timeline) if event.event == "done")
        return next(ends, {})


def view_of(
    job_id: str, lines: list[str], *, position: int | None = None, due: float | None = None
) -> JobView:
    """Parse a job from its list `job:<id>`.

    Args:
        lines: the message, then each event.
        position, due: see `JobView`.
    """
    message = parse_or_quote(job_id, lines[0])
    view = JobView(
        id=message.id,
        enqueued=message.enqueued_at,
        task=message.task,
        arguments=message.arguments,
        queue=message.queue,
        list_name=message.list_name,
        priority=message.priority,
        timeline=tuple(map(event_of, lines[1:])),
        due=None if due is None else moment_of(due),
    )
    for event in view.timeline:
        view.follow(event)
    view.position = position if view.state is State.QUEUED else None
    return view

"""Look at jobs without changing anything: one by its id, or a page of one state.

Every call reads a bounded number of items, however long the queue is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from demo_app.queue.connection import Decoded
from demo_app.queue.message import Message, parse

#: How far from its head a queue is searched for one job's position.
SEARCH_DEPTH = 100_000


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
_BY_TIME = (State.SCHEDULED, State.RETRYING)  # soonest first; the other sets newest first


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


@dataclass(frozen=True, slots=True)
class Page:
    """Some jobs, and the cursor for those after them (None at the end)."""

    jobs: tuple[JobView, ...]
    next: str | None


def look_up(client: Decoded, job_id: str) -> JobView | None:
    """The job of that id; None when there is none, or it ended too long ago to be remembered."""
    pipe = client.pipeline(transaction=True)
    pipe.lrange(f"job:{job_id}", 0, -1)
    pipe.zscore("scheduled", job_id)
    pipe.zscore("retrying", job_id)
    lines, scheduled, retrying = pipe.execute()
    if not lines:
        return None
    view = _view(lines, due=scheduled or retrying)
    if view.state is not State.QUEUED:
        return view
    lane = f"queue:{parse(lines[0]).lane}"
    found = client.lpos(lane, job_id, rank=-1, maxlen=SEARCH_DEPTH)
    if found is None:
        return view
    return _view(lines, position=int(client.llen(lane)) - int(found))


def page(client: Decoded, state: State, *, limit: int = 50, cursor: str | None = None) -> Page:
    """Some jobs of one state: queued in the order in which they run, dead and done newest first.

    cursor: what the page before gave as `next`; it stays right while jobs move.
    """
    if state is State.QUEUED:
        return _queued(client, limit, cursor)
    if state is State.RUNNING:
        ids = _running(client)
        start = ids.index(cursor) + 1 if cursor in ids else 0
        chosen = ids[start : start + limit]
        return _page(client, chosen, more=start + limit < len(ids))
    return _from_set(client, state, limit, cursor)


def _queued(client: Decoded, limit: int, cursor: str | None) -> Page:
    lanes = sorted(client.smembers("lanes"), key=_urgency)
    lane_name, _, after = (cursor or "").partition(" ")
    skip = 0
    if lane_name in lanes:
        lanes = lanes[lanes.index(lane_name) :]
        # gone from the list: it was claimed, and so was all that stood before it
        found = client.lpos(f"queue:{lane_name}", after, rank=-1, maxlen=SEARCH_DEPTH)
        if found is not None:
            skip = int(client.llen(f"queue:{lane_name}")) - int(found)
    chosen: list[tuple[str, str, int]] = []  # lane, id, position
    for lane in lanes:
        wanted = limit + 1 - len(chosen)  # one more, to know whether there is a next page
        # the head is at the right end: read from there
        ids = client.lrange(f"queue:{lane}", -(skip + wanted), -(skip + 1))
        chosen += [(lane, job_id, skip + n) for n, job_id in enumerate(reversed(ids), 1)]
        if len(chosen) > limit:
            break
        skip = 0
    shown = chosen[:limit]
    views = _views(client, [job_id for _, job_id, _ in shown], [spot for _, _, spot in shown])
    more = len(chosen) > limit
    return Page(tuple(views), f"{shown[-1][0]} {shown[-1][1]}" if more else None)


def _urgency(lane: str) -> tuple[int, str]:
    return (0 if lane.endswith(":high") else 2 if lane.endswith(":low") else 1, lane)


def _running(client: Decoded) -> list[str]:
    pipe = client.pipeline(transaction=False)
    lanes = client.smembers("lanes")
    for worker in client.smembers("workers"):
        for lane in lanes:
            pipe.lrange(f"claims:{lane}:{worker}", 0, -1)
    return [job_id for ids in pipe.execute() for job_id in reversed(ids)]


def _from_set(client: Decoded, state: State, limit: int, cursor: str | None) -> Page:
    soonest_first = state in _BY_TIME
    start = 0
    if cursor:
        score, _, job_id = cursor.partition(" ")
        rank = client.zrank(state, job_id) if soonest_first else client.zrevrank(state, job_id)
        if rank is not None:
            start = int(rank) + 1
        else:  # gone meanwhile: go on at its place
            bounds = ("-inf", f"({score}") if soonest_first else (f"({score}", "+inf")
            start = int(client.zcount(state, *bounds))
    rows = client.zrange(state, start, start + limit, desc=not soonest_first, withscores=True)
    views = _views(client, [row[0] for row in rows[:limit]])
    more = len(rows) > limit
    return Page(tuple(views), f"{rows[limit - 1][1]!r} {rows[limit - 1][0]}" if more else None)


def _page(client: Decoded, ids: list[str], *, more: bool) -> Page:
    return Page(tuple(_views(client, ids)), ids[-1] if more and ids else None)


def _views(client: Decoded, ids: list[str], positions: list[int] | None = None) -> list[JobView]:
    pipe = client.pipeline(transaction=False)
    for job_id in ids:
        pipe.lrange(f"job:{job_id}", 0, -1)
        pipe.zscore("scheduled", job_id)
        pipe.zscore("retrying", job_id)
    answers = pipe.execute()
    views = []
    for index in range(len(ids)):
        lines, scheduled, retrying = answers[3 * index : 3 * index + 3]
        if lines:
            position = positions[index] if positions else None
            views.append(_view(lines, position=position, due=scheduled or retrying))
    return views


def _view(lines: list[str], *, position: int | None = None, due: float | None = None) -> JobView:
    message: Message = parse(lines[0])
    timeline = tuple(_event(line) for line in lines[1:])
    state = state_after(event.event for event in timeline)
    return JobView(
        message.id,
        message.task,
        message.arguments,
        message.queue,
        message.priority,
        state,
        message.enqueued_at,
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
        return dict(json.loads(detail))
    return {"text": detail} if detail else {}

"""What the journal tells: the system as it was a minute ago, and what became of a killed worker's
jobs: how many came back, and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from demo_app.broker.events import state_after
from demo_app.web import snapshot
from demo_app.web.delivery import PLACE_OF_STATE, DeliveryStatus, Place

#: Events that get a bookmark.
_MARKS = {"worker_killed": "kill", "worker_died": "rescue"}
#: Events after which nobody holds the job any more.
_RELEASED = ("rescued", "requeued", "retrying", "done", "dead", "discarded")


@dataclass(slots=True)
class Tombstone:
    """A killed worker. at: epoch seconds. held: the jobs that it had then and nobody has rescued.

    rescued: how many were given back, and after: how many seconds later; None while they wait.
    lost: those that it held when its end was found, and that did not come back.
    """

    worker: str
    at: float
    held: int
    rescued: int = 0
    after: float | None = None
    lost: int = 0

    @property
    def pid(self) -> int:
        """Its process."""
        return snapshot.pid_of(self.worker)


class Graveyard:
    """Follows the journal, event by event, and keeps the newest tombstone.

    since: epoch seconds; no event before that counts.
    """

    def __init__(self, since: float = 0.0) -> None:
        self.since = since
        self.stone: Tombstone | None = None
        self._held: dict[str, str] = {}  # worker by job

    def follow(self, event: dict[str, Any]) -> None:
        """Take the next event of the journal."""
        job, what = event["job"], event["event"]
        if what == "claimed":
            self._held[job] = event["by"]
        elif what in _RELEASED:
            owner, stone = self._held.pop(job, ""), self.stone
            if stone is not None and what == "rescued" and event.get("text") == stone.worker:
                stone.rescued += 1
            if stone is not None and owner == stone.worker:
                stone.held = self._count(owner)
        elif what == "worker_killed" and event["at"] >= self.since:
            worker = event["text"]
            if self.stone is None or self.stone.worker != worker:  # two may say so
                self.stone = Tombstone(worker, event["at"], self._count(worker))
        elif what == "worker_died" and self.stone and event["text"] == self.stone.worker:
            self.stone.after = event["at"] - self.stone.at
            self.stone.lost, self.stone.held = self._count(event["text"]), 0

    def _count(self, worker: str) -> int:
        return sum(owner == worker for owner in self._held.values())


class Past:
    """What the events up to a moment (epoch seconds) say.

    events: the journal, the oldest first. present: the ids of the workers that there are now.
    order: the ids of queued jobs, next to run first. workers: whether each was alive, by its id.
    previous, next: the moments of the events before and after; None when there is none. marks: the
    moments of all kills and rescues.
    """

    def __init__(self, events: list[dict[str, Any]], moment: float, present: set[str]) -> None:
        first = next((n for n, event in enumerate(events, 1) if event["job"]), 0)
        past = events[: max(first, sum(event["at"] <= moment for event in events))]
        coming = events[len(past) :]
        self.moment = max(moment, past[-1]["at"] if past else 0.0)
        self.next: float | None = coming[0]["at"] if coming else None
        earlier = (event["at"] for event in past if event["at"] < self.moment)
        self.previous: float | None = max(earlier, default=None)
        told = [(e["text"], _MARKS[e["event"]], e["at"]) for e in events if e["event"] in _MARKS]
        # a kill may be told twice: by who pressed the key, and by the supervisor
        once = {(worker, what): at for worker, what, at in reversed(told)}
        self.marks = sorted((at, what) for (_, what), at in once.items())
        self.graves = Graveyard()
        self.order: list[str] = []
        self.workers = dict.fromkeys(_at_first(events, present), True)
        self._happened: dict[str, list[str]] = defaultdict(list)
        self._owners: dict[str, str] = {}
        self._next_event: dict[str, dict[str, Any]] = {}
        for event in reversed(coming):
            self._next_event[event["job"]] = event
        for event in past:
            self.graves.follow(event)
            if event["job"]:
                self._follow_job(event["job"], event["event"], event["by"])
            else:
                self._follow_worker(event)

    def status(self, now: DeliveryStatus) -> DeliveryStatus | None:
        """Where a notification was; None when it had not been posted. now: where it is."""
        job, notice = now.notice.job_id, now.notice
        happened = self._happened.get(job, [])
        if happened:
            place = PLACE_OF_STATE[state_after(happened)]
            owner = self._owners.get(job, "") if place is Place.RUNNING else ""
            return DeliveryStatus(notice, place, owner, "rescued" in happened)
        if notice.created_at > self.moment:
            return None
        following = self._next_event.get(job)
        if following is None:
            return now  # nothing has happened to it since
        if following["event"] == "enqueued":  # for the first time, or as one that was due
            return DeliveryStatus(notice, Place.LATER if "text" in following else Place.OUTBOX)
        if following["event"] == "claimed":
            return DeliveryStatus(notice, Place.QUEUED)
        return DeliveryStatus(notice, Place.RUNNING, following["by"])

    def _follow_job(self, job: str, event: str, by: str) -> None:
        self._happened[job].append(event)
        self._owners[job] = by
        if job in self.order:
            self.order.remove(job)
        if event == "enqueued":
            self.order.append(job)
        elif event in ("rescued", "requeued"):
            self.order.insert(0, job)

    def _follow_worker(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "worker_started":
                self.workers[event["by"]] = True
            case "worker_killed":
                self.workers[event["text"]] = False
            case "worker_died":
                self.workers.pop(event["text"], None)
            case "worker_stopped":
                self.workers.pop(event["by"], None)


def _at_first(events: Iterable[dict[str, Any]], present: set[str]) -> set[str]:
    """The workers that there were before the first event."""
    known, started = set(present), set()
    for event in events:
        if event["event"] == "worker_started":
            started.add(event["by"])
        elif event["event"] in ("claimed", "worker_stopped"):
            known.add(event["by"])
        elif event["event"] in ("worker_killed", "worker_died"):
            known.add(event["text"])
    return known - started

"""One moment of the queue: all that the pages draw, read in one script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .events import State
from .fold import state_after
from .keys import queue_of, urgency
from .view import JobView, view_of


@dataclass(frozen=True, slots=True)
class QueueView:
    """One queue. size: the jobs that wait. latency: seconds for which the next of them has waited
    since it was enqueued, the longest over its lists; 0 for an empty queue. paused: nobody takes
    from it."""

    name: str
    size: int
    latency: float
    paused: bool


@dataclass(frozen=True, slots=True)
class JobSeen:
    """A job that was asked about. holder: the worker that has it; "" for none. rescued: whether it
    was lately rescued from a dead worker."""

    state: State
    holder: str
    rescued: bool


class Snapshot:
    """What `snapshot.lua` answered. at: epoch seconds, by the clock of Redis. count: jobs by state,
    and `enqueued` and `late`. workers: of each its `id`, what it `said` of itself (JSON), whether
    it is `alive`, how many jobs it has (`running`), `paused`, and milliseconds `left` of its lease.
    next_to_run: ids of queued jobs, in that order. asked: the jobs that were asked about, by id,
    without those that are not known."""

    def __init__(self, told: dict[str, Any], asked: Sequence[str]) -> None:
        self.at = float(told["at"])
        self.count: dict[str, int] = told["count"]
        self.workers: list[dict[str, Any]] = list(told["workers"])
        self._lists: list[dict[str, Any]] = sorted(
            told["lists"], key=lambda one: urgency(one["lane"])
        )
        self._histories: dict[str, list[str]] = dict(told["histories"])
        self.next_to_run = [job for one in self._lists for job in one["ids"]]
        words: dict[str, JobSeen] = {}  # few different ones
        self.asked: dict[str, JobSeen] = {}
        for job, line in zip(asked, told["last"], strict=True):
            if line != "|":
                self.asked[job] = words.get(line) or words.setdefault(line, _seen(line))

    def queued(self, most: int) -> list[JobView]:
        """The jobs that run next, at most so many, and no more than were asked for whole."""
        places = ((job, n) for one in self._lists for n, job in enumerate(one["ids"], 1))
        return self._views(places, most)

    def running(self, most: int) -> list[JobView]:
        """Jobs that are running, in the same way."""
        return self._views(((job, None) for one in self.workers for job in one["held"]), most)

    def queues(self) -> list[QueueView]:
        """Every queue that ever had a job, by name; for the latency, ask for one job whole."""
        found = []
        for name in sorted({queue_of(one["lane"]) for one in self._lists}):
            mine = [one for one in self._lists if queue_of(one["lane"]) == name]
            heads = self._views(((job, None) for one in mine for job in list(one["ids"])[:1]), 99)
            latency = max((self.at - job.enqueued for job in heads), default=0.0)
            paused = any(one["paused"] for one in mine if one["lane"] == name)
            found.append(QueueView(name, sum(o["size"] for o in mine), max(0.0, latency), paused))
        return found

    def _views(self, jobs: Any, most: int) -> list[JobView]:
        known = ((job, place) for job, place in jobs if self._histories.get(job))
        views = [view_of(job, self._histories[job], position=place) for job, place in known]
        return views[:most]


def _seen(line: str) -> JobSeen:
    events, _, owner = line.partition("|")
    state = state_after(events.split())
    return JobSeen(state, owner if state is State.RUNNING else "", "rescued" in events)

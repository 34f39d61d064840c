"""One moment of the queue: all that the pages draw, read in one script."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .events import State, moment_of, object_of
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


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker, by its key in Redis and by what it says of itself.

    alive: its lease holds. running: how many jobs it has. here: whether it runs on this machine.
    quiet: it takes nothing new. left: seconds until its lease ends, unless it is renewed. queues:
    those that it works on. since: when its process began (epoch seconds).
    """

    id: str
    pid: int
    alive: bool
    running: int
    host: str = ""
    here: bool = False
    quiet: bool = False
    left: float = 0.0
    concurrency: int = 0
    queues: tuple[str, ...] = ()
    since: float = 0.0


class Snapshot:
    """What `snapshot.lua` answered. at: epoch seconds, by the clock of Redis. count: jobs by state,
    `enqueued`, and `late`, the acknowledgements after a rescue. workers: the oldest first.
    next_to_run: ids of queued jobs, in that order. asked: the jobs that were asked about, by id,
    without those that are not known."""

    def __init__(self, told: dict[str, Any], asked: Sequence[str] = ()) -> None:
        self.at = float(told["at"])
        self.count: dict[str, int] = told["count"]
        self.workers = sorted(map(_worker, told["workers"]), key=lambda one: (one.since, one.id))
        self._held = [job for one in told["workers"] for job in one["held"]]
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

    @classmethod
    def of_counts(cls, given: Mapping[str, int]) -> Snapshot:
        """What is known of jobs that are kept elsewhere: how many are in each state."""
        count = {state.value: given.get(state, 0) for state in State}
        count |= {"enqueued": given.get("enqueued", sum(count.values())), "late": 0}
        nothing = dict.fromkeys(("workers", "lists", "histories", "last"), ())
        return cls({"at": time.time(), "count": count, **nothing})

    @property
    def missing(self) -> int:
        """How many of the jobs that were ever put in are in no state."""
        return self.count["enqueued"] - sum(self.count[state] for state in State)

    @property
    def conserved(self) -> bool:
        """Whether every job that was ever put in is in exactly one state."""
        return self.missing == 0

    @property
    def alive(self) -> int:
        """How many workers live."""
        return sum(worker.alive for worker in self.workers)

    @property
    def stranded(self) -> bool:
        """Whether jobs wait and nobody is there to run them."""
        return self.count["queued"] > 0 and not any(w.alive and not w.quiet for w in self.workers)

    def worker(self, worker_id: str | None) -> Worker | None:
        """The worker of that id."""
        return next((worker for worker in self.workers if worker.id == worker_id), None)

    def queued(self, most: int) -> list[JobView]:
        """The jobs that run next, at most so many, and no more than were asked for whole."""
        places = ((job, n) for one in self._lists for n, job in enumerate(one["ids"], 1))
        return self._views(places, most)

    def running(self, most: int) -> list[JobView]:
        """Jobs that are running, in the same way."""
        return self._views(((job, None) for job in self._held), most)

    def queues(self) -> list[QueueView]:
        """Every queue that ever had a job, by name; for the latency, ask for one job whole."""
        lists: dict[str, list[dict[str, Any]]] = {}
        for one in self._lists:
            lists.setdefault(queue_of(one["lane"]), []).append(one)
        found = []
        for name, mine in sorted(lists.items()):
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


def _worker(given: dict[str, Any]) -> Worker:
    said = object_of(given["said"])
    host, served = str(said.get("host", "")), said.get("served")
    return Worker(
        id=given["id"],
        pid=_count(said.get("pid")) or pid_of(given["id"]),
        host=host,
        alive=given["alive"],
        here=host == socket.gethostname(),
        quiet=given["paused"],
        running=int(given["running"]),
        left=max(0, given["left"]) / 1000,
        concurrency=_count(said.get("concurrency")),
        queues=tuple(map(str, served)) if isinstance(served, list) else (),
        since=moment_of(said.get("since")),
    )


def _count(value: object) -> int:
    """A whole number as a worker says it of itself; 0 for what is none."""
    return value if isinstance(value, int) and 0 <= value < 2**31 else 0


def pid_of(worker: str) -> int:
    """Of a worker that Redis has forgotten: its name is host-pid-random.number."""
    found = re.search(r"-([0-9]{1,9})-[^-]*$", worker)
    return int(found[1]) if found else 0

"""A consistent snapshot of the whole queue, read by one script."""

import re
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from .events import State, moment_of, object_of
from .fold import state_after
from .keys import queue_of, urgency
from .view import JobView, view_of


class QueueView(NamedTuple):
    """One queue.

    Attributes:
        size: number of queued jobs.
        latency: seconds since the next job was enqueued; 0 for an empty queue. If the queue has
            several priority lists, this is the maximum over the lists.
        paused: True if no worker may claim from the queue.
    """

    name: str
    size: int
    latency: float
    paused: bool


class JobSeen(NamedTuple):
    """The state of a job that `Queue.snapshot` has looked up.

    Attributes:
        holder: the worker that runs it; "" for none.
        rescued: True if one of its last events is a rescue.
    """

    state: State
    holder: str
    rescued: bool


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker.

    Attributes:
        alive: True if its lease is valid.
        running: number of its claims.
        here: True if it runs on this machine.
        paused: True if it may not claim jobs.
        left: seconds until its lease expires unless it is renewed.
        queues: the queues that it consumes.
        since: start of its process (seconds since the epoch).
        waiting: number of its claimed jobs that had not begun at its last heartbeat.
        memory: resident bytes of its processes, or 0 if unknown.
    """

    id: str
    pid: int
    alive: bool
    running: int
    host: str = ""
    here: bool = False
    paused: bool = False
    left: float = 0.0
    concurrency: int = 0
    queues: tuple[str, ...] = ()
    since: float = 0.0
    waiting: int = 0
    memory: int = 0


class Snapshot:
    """The reply of `snapshot.lua`.

    Attributes:
        at: the time of the snapshot by Redis' clock (seconds since the epoch).
        count: number of jobs by state; also `enqueued`, the number of all jobs so far, and `late`,
            the number of acknowledgements that came too late, after a rescue.
        workers: the workers, the oldest first.
        next_to_run: ids of queued jobs, in the order in which they will run.
        looked_up: the jobs that were looked up and are known, by id.
    """

    def __init__(self, reply: dict[str, Any], ids: Sequence[str] = ()) -> None:
        self.at = float(reply["at"])
        self.count: dict[str, int] = reply["count"]
        self.workers = sorted(map(_worker, reply["workers"]), key=lambda one: (one.since, one.id))
        self._held = [job for one in reply["workers"] for job in one["held"]]
        lists: list[dict[str, Any]] = reply["lists"]
        self._lists = sorted(lists, key=lambda one: urgency(one["list"]))
        self._histories: dict[str, list[str]] = dict(reply["histories"])
        self.next_to_run = [job for one in self._lists for job in one["ids"]]
        lines = zip(ids, reply["last"], strict=True)
        self.looked_up = {job: _seen(line) for job, line in lines if line != "|"}

    @classmethod
    def of_counts(cls, given: Mapping[str, int]) -> "Snapshot":
        """Return a snapshot for a backend that only counts its jobs.

        Args:
            given: number of jobs by state, and `enqueued` (by default the sum of the states).
        """
        count = {state.value: given.get(state, 0) for state in State}
        count |= {"enqueued": given.get("enqueued", sum(count.values())), "late": 0}
        nothing = dict.fromkeys(("workers", "lists", "histories", "last"), ())
        return cls({"at": time.time(), "count": count, **nothing})

    @property
    def missing(self) -> int:
        return self.count["enqueued"] - sum(self.count[state] for state in State)

    @property
    def conserved(self) -> bool:
        """True if the number of enqueued jobs equals the number of jobs in all states."""
        return self.missing == 0

    @property
    def stranded(self) -> bool:
        return self.count["queued"] > 0 and not any(w.alive and not w.paused for w in self.workers)

    def worker(self, worker_id: str | None) -> Worker | None:
        return next((worker for worker in self.workers if worker.id == worker_id), None)

    def queued(self, limit: int) -> list[JobView]:
        """Return up to `limit` of the next jobs to run, but only jobs whose history was read."""
        places = ((job, n) for one in self._lists for n, job in enumerate(one["ids"], 1))
        return self._views(places, limit)

    def running(self, limit: int) -> list[JobView]:
        """Return up to `limit` running jobs, but only jobs whose history was read."""
        return self._views(((job, None) for job in self._held), limit)

    def queues(self) -> list[QueueView]:
        """Return the queues, sorted by name. Their latency is 0 in a snapshot without histories."""
        lists: dict[str, list[dict[str, Any]]] = {}
        for one in self._lists:
            lists.setdefault(queue_of(one["list"]), []).append(one)
        found = []
        for name, mine in sorted(lists.items()):
            heads = self._views(((job, None) for one in mine for job in list(one["ids"])[:1]), 99)
            latency = max((self.at - job.enqueued for job in heads), default=0.0)
            paused = any(one["paused"] for one in mine)
            found.append(QueueView(name, sum(o["size"] for o in mine), max(0.0, latency), paused))
        return found

    def _views(self, jobs: Any, limit: int) -> list[JobView]:
        known = ((job, place) for job, place in jobs if self._histories.get(job))
        views = [view_of(job, self._histories[job], position=place) for job, place in known]
        return views[:limit]


@lru_cache(maxsize=1000)  # many jobs have the same line
def _seen(line: str) -> JobSeen:
    events, _, owner = line.partition("|")
    state = state_after(events.split())
    return JobSeen(state, owner if state is State.RUNNING else "", "rescued" in events)


def _worker(given: dict[str, Any]) -> Worker:
    info = object_of(given["info"])
    host, served = str(info.get("host", "")), info.get("served")
    return Worker(
        id=given["id"],
        pid=_count(info.get("pid")) or pid_of(given["id"]),
        host=host,
        alive=given["alive"],
        here=host == socket.gethostname(),
        paused=given["paused"],
        running=int(given["running"]),
        left=max(0, given["left"]) / 1000,
        concurrency=_count(info.get("concurrency")),
        queues=tuple(map(str, served)) if isinstance(served, list) else (),
        since=moment_of(info.get("since")),
        waiting=min(int(given["running"]), given["waiting"]),
        memory=_count(info.get("memory"), 2**53),
    )


def _count(value: object, limit: int = 2**31) -> int:
    return value if isinstance(value, int) and 0 <= value < limit else 0


def pid_of(worker: str) -> int:
    """Return the process id in a worker's name (host-pid-random.number), or 0."""
    found = re.search(r"-([0-9]{1,9})-[^-]*$", worker)
    return int(found[1]) if found else 0

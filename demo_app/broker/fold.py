"""The fold: what is true of every job after some events of the journal, in their order.

Every change of state leaves one event, written in the same atomic step. So the events up to a
moment say what Redis had at that moment: each job's state, who held it, and which was next. Whoever
asks what a job was, or is, asks here.

(A job whose record somebody deleted from Redis by hand leaves no event when it goes.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count

from .events import Event, State

#: The state of a job after each event; any other event changes none.
STATE_AFTER = {
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
#: The detail of a `requeued` that put the job at the tail of its queue; else it went to the head.
TO_TAIL = "to the tail"


def state_after(events: Iterable[str], state: State = State.QUEUED) -> State:
    """The state of a job after these events, named in their order. state: the one before."""
    for event in events:
        state = STATE_AFTER.get(event, state)
    return state


@dataclass(slots=True)
class Run:
    """One time that a worker held a job. began, ended: epoch seconds; `ended` is None while it
    lasts. how: the event that ended it; "rescued" when its worker died."""

    worker: str
    began: float
    ended: float | None = None
    how: str = ""


@dataclass(slots=True)
class JobRecord:
    """One job. enqueued: when it was put in; since: when its state last changed (both epoch
    seconds). runs: every time that it was claimed, the first one first."""

    id: str
    enqueued: float = 0.0
    state: State = State.QUEUED
    since: float = 0.0
    runs: list[Run] = field(default_factory=list)
    _failed: int = 0

    def follow(self, event: Event) -> None:
        """The next thing that happened to it."""
        self.enqueued = self.enqueued or event.at
        if event.event not in STATE_AFTER:
            return
        if self.runs and self.runs[-1].ended is None:
            self.runs[-1].ended, self.runs[-1].how = event.at, event.event
        if event.event == "claimed":
            self.runs.append(Run(event.by, event.at))
        self._failed += event.event == "retrying"
        self.state, self.since = STATE_AFTER[event.event], event.at

    @property
    def holder(self) -> str:
        """The worker that has it, while it runs; else ""."""
        return self.runs[-1].worker if self.state is State.RUNNING else ""

    @property
    def deliveries(self) -> int:
        """How often a worker took it."""
        return len(self.runs)

    @property
    def attempts(self) -> int:
        """How many tries were begun: deliveries, less those given back before they ended."""
        over = (State.RUNNING, State.DONE, State.DEAD, State.DISCARDED)
        return self._failed + (self.state in over)

    @property
    def deaths(self) -> list[Run]:
        """Those runs that ended with the worker's death."""
        return [run for run in self.runs if run.how == "rescued"]

    @property
    def rescued(self) -> bool:
        """Whether a worker died while it held it."""
        return bool(self.deaths)

    @property
    def done(self) -> float | None:
        """When it was done; None if it is not."""
        return self.since if self.state is State.DONE else None

    @property
    def given_up(self) -> float | None:
        """When it went to the dead, or was discarded; None once somebody has brought it back."""
        return self.since if self.state in (State.DEAD, State.DISCARDED) else None


@dataclass(slots=True)
class WorkerRecord:
    """One worker. killed: when somebody saw it killed; died: when `found_by` found its lease run
    out (epoch seconds). held: the jobs that it has; rescued: those that were taken from it."""

    id: str
    pid: int | None = None
    killed: float | None = None
    died: float | None = None
    found_by: str = ""
    stopped: bool = False
    held: set[str] = field(default_factory=set)
    rescued: list[str] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        """Whether nothing says otherwise."""
        return self.killed is None and self.died is None and not self.stopped


class Fold:
    """Follows the journal, event by event. jobs, workers: by id, the first seen first."""

    def __init__(self) -> None:
        self.jobs: dict[str, JobRecord] = {}
        self.workers: dict[str, WorkerRecord] = {}
        self._places: dict[str, int] = {}  # of the queued jobs; the lowest runs next
        self._tail, self._head = count(1), count(0, -1)

    @property
    def order(self) -> list[str]:
        """The ids of the queued jobs, next to run first; right for the jobs of each list, since the
        journal does not say which list a job is in."""
        return sorted(self._places, key=self._places.__getitem__)

    def follow(self, entry: Event) -> None:
        """Take the next entry of the journal."""
        if not entry.job:
            self._follow_worker(entry)
            return
        job = self.jobs.setdefault(entry.job, JobRecord(entry.job))
        holder = job.holder
        job.follow(entry)
        if entry.event == "rescued" and (holder or entry.detail in self.workers):
            # the claim may be older than the journal: then the event says whose it was
            self.worker(holder or entry.detail).rescued.append(job.id)
        if holder != job.holder:
            if holder:
                self.worker(holder).held.discard(job.id)
            if job.holder:
                self.worker(job.holder).held.add(job.id)
        if entry.event in STATE_AFTER:
            self._places.pop(job.id, None)
        if entry.event == "enqueued" or (entry.event == "requeued" and entry.detail == TO_TAIL):
            self._places[job.id] = next(self._tail)
        elif entry.event in ("rescued", "requeued"):
            self._places[job.id] = next(self._head)

    def worker(self, worker_id: str) -> WorkerRecord:
        """The worker of that id."""
        return self.workers.setdefault(worker_id, WorkerRecord(worker_id))

    def forget(self, job_id: str) -> None:
        """Forget a job, so that who follows without end does not grow without end."""
        self.jobs.pop(job_id, None)

    def _follow_worker(self, entry: Event) -> None:
        match entry.event:
            case "worker_started":
                self.worker(entry.by).pid = entry.notes.get("pid")
            case "worker_stopped":
                self.worker(entry.by).stopped = True
            case "worker_killed":
                worker = self.worker(entry.detail)
                worker.killed = worker.killed or entry.at  # two may say so
            case "worker_died":
                worker = self.worker(entry.detail)
                worker.died, worker.found_by = entry.at, entry.by

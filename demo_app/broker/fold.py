"""The fold: it computes the state of every job from the events of the journal.

Every change of state writes one event in the same atomic step. So the events until some time are
enough to compute the state at that time: each job's state and worker, and the order of the queue.

(There is no event if another program deletes a job's record from Redis.)
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count

from .events import Event, State

#: The state of a job after each of these events. Other events do not change the state.
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
#: The detail of a `requeued` event that put the job at the tail of its queue, not at the head.
TO_TAIL = "to the tail"


def state_after(events: Iterable[str], state: State = State.QUEUED) -> State:
    for event in events:
        state = STATE_AFTER.get(event, state)
    return state


@dataclass(slots=True)
class Run:
    """One claim of a job by a worker.

    Attributes:
        began, ended: seconds since the epoch; `ended` is None while the claim lasts.
        how: the event that ended the claim; "rescued" if its worker died.
    """

    worker: str
    began: float
    ended: float | None = None
    how: str = ""


@dataclass(slots=True)
class JobRecord:
    """The state of one job after the events that `follow` has applied.

    Attributes:
        enqueued: when the job was enqueued (seconds since the epoch).
        since: when its state changed last (seconds since the epoch).
        runs: its claims, the first one first.
    """

    id: str
    enqueued: float = 0.0
    state: State = State.QUEUED
    since: float = 0.0
    runs: list[Run] = field(default_factory=list)

    def follow(self, event: Event) -> None:
        self.enqueued = self.enqueued or event.at
        if event.event not in STATE_AFTER:
            return
        if self.runs and self.runs[-1].ended is None:
            self.runs[-1].ended, self.runs[-1].how = event.at, event.event
        if event.event == "claimed":
            self.runs.append(Run(event.by, event.at))
        self.state, self.since = STATE_AFTER[event.event], event.at

    @property
    def holder(self) -> str:
        """The worker that has the job's claim; "" for none."""
        return self.runs[-1].worker if self.state is State.RUNNING else ""

    @property
    def deliveries(self) -> int:
        return len(self.runs)

    @property
    def attempts(self) -> int:
        """The number of tries. Claims that were given back or rescued do not count."""
        return sum(run.how not in ("requeued", "rescued") for run in self.runs)

    @property
    def deaths(self) -> list[Run]:
        return [run for run in self.runs if run.how == "rescued"]

    @property
    def rescued(self) -> bool:
        return bool(self.deaths)

    @property
    def done(self) -> float | None:
        """The time when the job was done (seconds since the epoch), or None."""
        return self.since if self.state is State.DONE else None

    @property
    def given_up(self) -> float | None:
        """The time when the job became dead or discarded (seconds since the epoch), or None."""
        return self.since if self.state in (State.DEAD, State.DISCARDED) else None


@dataclass(slots=True)
class WorkerRecord:
    """The state of one worker.

    Attributes:
        killed: the time when its death was reported (seconds since the epoch).
        died: the time when its lease was found expired (seconds since the epoch).
        found_by: the worker that found the lease expired.
        held: the jobs that it has claimed.
        rescued: the jobs that were rescued from it.
    """

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
        return self.killed is None and self.died is None and not self.stopped


class Fold:
    """The state of all jobs and workers after the events that `follow` has applied.

    Attributes:
        jobs, workers: by id, the oldest first.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, JobRecord] = {}
        self.workers: dict[str, WorkerRecord] = {}
        self._places: dict[str, int] = {}  # sort keys of the queued jobs
        self._tail, self._head = count(1), count(0, -1)

    @property
    def order(self) -> list[str]:
        """The ids of the queued jobs, the next one first.

        Only the order within one list is right: the journal does not contain a job's list.
        """
        return sorted(self._places, key=self._places.__getitem__)

    def follow(self, entry: Event) -> None:
        if not entry.job:
            self._follow_worker(entry)
            return
        job = self.jobs.setdefault(entry.job, JobRecord(entry.job))
        holder = job.holder
        job.follow(entry)
        if entry.event == "rescued" and (holder or entry.detail in self.workers):
            # if the journal no longer has the claim, the worker is known from the event's detail
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
        return self.workers.setdefault(worker_id, WorkerRecord(worker_id))

    def forget(self, job_id: str) -> None:
        """Forget a job, so that a long-running fold does not grow."""
        self.jobs.pop(job_id, None)

    def _follow_worker(self, entry: Event) -> None:
        match entry.event:
            case "worker_started":
                self.worker(entry.by).pid = entry.notes.get("pid")
            case "worker_stopped":
                self.worker(entry.by).stopped = True
            case "worker_killed":
                worker = self.worker(entry.detail)
                worker.killed = worker.killed or entry.at  # use the first of two reports
            case "worker_died":
                worker = self.worker(entry.detail)
                worker.died, worker.found_by = entry.at, entry.by

"""The timeline of jobs, read from the journal: their waits, runs, rescues and ends."""

from dataclasses import dataclass, replace

from demo_app.broker.connection import Decoded
from demo_app.broker.fold import Fold, JobRecord, WorkerRecord
from demo_app.broker.journal import all_events, order

#: The file with the timeline and the kills of a demo, for drawing the picture later.
LATER = "timeline.pickle"


@dataclass(frozen=True, slots=True, repr=False)
class Kill:
    """One kill.

    Attributes:
        at: seconds since the epoch.
        held: the ids of the interrupted jobs.
    """

    at: float
    pid: int
    worker: str
    held: tuple[str, ...] = ()
    signal: str = "SIGKILL"

    def __repr__(self) -> str:
        return f"{self.signal} → pid {self.pid}"  # not translated: the same in every language


@dataclass(slots=True)
class Timeline:
    """The jobs, the oldest first; the workers that died; and all workers by id."""

    jobs: list[JobRecord]
    deaths: list[WorkerRecord]
    workers: dict[str, WorkerRecord]

    @property
    def start(self) -> float:
        return min((job.enqueued for job in self.jobs), default=0.0)


def read(client: Decoded, since: str = "0-0") -> Timeline:
    """Return the timeline of the jobs that were enqueued after the journal's entry `since`."""
    fold, before = Fold(), set[str]()
    for entry in all_events(client):
        place = order(entry.id)
        if place <= order(since):
            before.add(entry.job)
        # events of the same millisecond must not have the same position in a picture
        fold.follow(replace(entry, at=entry.at + place[1] / 1e7))
    jobs = [job for job in fold.jobs.values() if job.id not in before]
    deaths = [worker for worker in fold.workers.values() if worker.died is not None]
    return Timeline(jobs, deaths, fold.workers)

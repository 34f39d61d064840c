"""What happened to each job, read from the journal: when it waited, ran, was rescued, ended."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from demo_app.broker.connection import Decoded


@dataclass(slots=True)
class Run:
    """One stretch of work on a job; `ended` is None while it lasts.

    how: "done", "retrying", "dead", "discarded", "requeued", or "rescued" when its worker died.
    """

    worker: str
    began: float
    ended: float | None = None
    how: str = ""


@dataclass(slots=True)
class JobLine:
    """One job's line in the picture; times are seconds since the epoch.

    given_up: when it went to the dead, or was discarded; None once somebody has brought it back.
    """

    id: str
    enqueued: float
    runs: list[Run] = field(default_factory=list)
    done: float | None = None
    given_up: float | None = None

    @property
    def rescued(self) -> bool:
        """Whether a worker died while it ran."""
        return any(run.how == "rescued" for run in self.runs)


@dataclass(frozen=True, slots=True)
class Death:
    """A worker that died, and who found it dead, when, holding which jobs."""

    worker: str
    pid: int | None
    found: float
    by: str
    jobs: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Kill:
    """One SIGKILL. at: seconds since the epoch. held: the ids of the jobs that it interrupted."""

    at: float
    pid: int
    worker: str
    held: tuple[str, ...] = ()

    def __repr__(self) -> str:
        jobs = f", in the middle of {len(self.held)} jobs" if self.held else ""
        return f"SIGKILL to pid {self.pid}{jobs}"


@dataclass(slots=True)
class Timeline:
    """Every job in the order in which it was put in, and every death that was found."""

    jobs: list[JobLine]
    deaths: list[Death]
    workers: dict[str, int]

    @property
    def start(self) -> float:
        """When the first job was put in."""
        return min((job.enqueued for job in self.jobs), default=0.0)


_ENDS = ("done", "retrying", "dead", "discarded", "requeued", "rescued")


def read(client: Decoded, since: str = "0-0") -> Timeline:
    """The timeline of the jobs that were put in after that entry of the journal."""
    jobs: dict[str, JobLine] = {}
    workers: dict[str, int] = {}
    deaths: list[Death] = []
    rescued: dict[str, list[str]] = {}
    before: set[str] = set()
    after = order(since)
    for entry_id, fields in _entries(client):
        at = _seconds(entry_id)
        job_id, event, by = fields["job"], fields["event"], fields["by"]
        if event == "worker_started":
            workers[by] = int(json.loads(fields["detail"])["pid"])
        elif event == "worker_died":
            worker = fields["detail"]
            held = tuple(rescued.pop(worker, ()))
            deaths.append(Death(worker, workers.get(worker), at, by, held))
        elif job_id in before or (job_id and order(entry_id) <= after):
            before.add(job_id)
        elif job_id:
            job = jobs.setdefault(job_id, JobLine(job_id, at))
            _apply(job, event, by, at)
            if event == "rescued":
                rescued.setdefault(fields["detail"], []).append(job_id)
    return Timeline(list(jobs.values()), deaths, workers)


def _apply(job: JobLine, event: str, by: str, at: float) -> None:
    if event == "claimed":
        job.runs.append(Run(by, at))
    elif event in _ENDS and job.runs and job.runs[-1].ended is None:
        job.runs[-1].ended, job.runs[-1].how = at, event
    if event == "done":
        job.done = at
    elif event in ("dead", "discarded"):
        job.given_up = at
    elif event == "enqueued":
        job.given_up = None


def _entries(client: Decoded) -> list[tuple[str, dict[str, str]]]:
    found: list[tuple[str, dict[str, str]]] = []
    start = "-"
    while True:
        page = client.xrange("journal", min=start, max="+", count=5000)
        found += page
        if len(page) < 5000:
            return found
        start = f"({page[-1][0]}"


def _seconds(entry_id: str) -> float:
    milliseconds, number = order(entry_id)
    return milliseconds / 1000 + number / 1e7


def order(entry_id: str) -> tuple[int, int]:
    """What entries of the journal are sorted by: milliseconds, and a number in each."""
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number)

"""The limits of an explored world, and the observations against which promises are checked."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from explore.worker import Setup


class Faults(NamedTuple):
    """The maximum number of faults of each kind in one sequence of steps.

    Attributes:
        all: the limit for all kinds together.
        leave: a worker shuts down gracefully.
        lose: a command or its reply is lost.
        refuse: a replica or a full server rejects a command.
        halt: a process is stopped between two commands of one step.
        drop: Celery drops its waiting messages.
        child: the pool's process dies.
        rollback: Redis restarts with older data.
        clock: Redis's clock jumps ahead.
    """

    all: int = 0
    kill: int = 0
    leave: int = 0
    pause: int = 0
    halt: int = 0
    lose: int = 0
    refuse: int = 0
    restart: int = 0
    wipe: int = 0
    rollback: int = 0
    drop: int = 0
    child: int = 0
    clock: int = 0


@dataclass(frozen=True)
class Plan:
    """One bounded world.

    Attributes:
        jobs: the kind of each job: plain, low (has the lower priority), poison (kills its worker),
            flaky (fails once), hog (blocks its worker), later (has a due time), foreign (is
            published as any Celery producer does), retries (foreign, and publishes its own next try
            once), namesake (like retries, but with the first job's task id).
        processes: the setup of each worker that may start.
        alive: maximum number of workers at the same time.
        blogs: number of blogs that enqueue through an outbox; 0: a producer enqueues directly.
        people: the decisions that a person may take, each once: retry, discard, purge.
        before: commands that Redis runs first.
        after_put: commands that Redis runs in the step that enqueues the first job. They record
            deaths, which a rescue forgets if the job does not exist.
        batch: number of jobs that are enqueued together.
        large: exploring it takes more than 4 seconds, so only `make test-nightly` does it.
    """

    name: str
    jobs: tuple[str, ...] = ("plain", "plain")
    processes: tuple[Setup, ...] = (Setup(), Setup())
    alive: int = 2
    faults: Faults = Faults()  # noqa: RUF009 - a tuple
    blogs: int = 0
    people: tuple[str, ...] = ()
    before: tuple[tuple[str | int, ...], ...] = ()
    after_put: tuple[tuple[str | int, ...], ...] = ()
    batch: int = 1
    large: bool = False

    @property
    def bound(self) -> str:
        faults = [f"{count} {name}" for name, count in self.faults._asdict().items() if count]
        jobs = [f"{n} {kind}" for kind, n in Counter(self.jobs).items()]
        workers = f"workers: {self.alive}, of {len(self.processes)}"
        parts = [f"jobs: {', '.join(jobs) or 'none'}", workers, f"blogs: {self.blogs}"]
        parts += [f"faults: {', '.join(faults[1:]) or 'none'}"]
        return "; ".join(parts) + (f", {self.faults.all} in all" if faults else "")


@dataclass
class Ledger:
    """The observations outside Redis against which promises are checked."""

    accepted: list[str] = field(default_factory=list)
    due: dict[str, float] = field(default_factory=dict)
    mail_of: dict[str, str] = field(default_factory=dict)
    begun: Counter[str] = field(default_factory=Counter)
    mailed: Counter[str] = field(default_factory=Counter)
    # pairs of a worker and a job that the worker reported as waiting
    waits: set[tuple[str, str]] = field(default_factory=set)
    decided: set[str] = field(default_factory=set)  # jobs that a person discarded or purged
    acts: set[str] = field(default_factory=set)  # the names of the decisions that people took
    faults: Counter[str] = field(default_factory=Counter)
    touched: set[str] = field(default_factory=set)  # workers that had a fault
    broken: str = ""  # the promise that the last step broke, and why

    @property
    def lost(self) -> int:
        """Return how often Redis lost data."""
        return self.faults["wipe"] + self.faults["rollback"]

    @property
    def disturbed(self) -> int:
        return self.faults.total()

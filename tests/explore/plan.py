"""What bounds a world, and what everybody in it has seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from explore.worker import Setup


class Faults(NamedTuple):
    """How often each fault may happen in one history; all: of all kinds together.

    lose: a command or its answer. refuse: a command, as a replica or a full
    server does. halt: a process is stopped between two commands of one step.
    drop: Celery forgets what waits in it. rollback: Redis comes back with older data.
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

    jobs: the kind of each: plain, low (of the lower priority), poison (kills its worker), flaky
    (fails once), hog, later, foreign (as any Celery producer sends it), retries (foreign, and
    publishes its own next try once), namesake (the same, with the first job's task id).
    processes: a setup for each that may ever start; alive: so many at once. blogs: how many put in
    through an outbox; 0 for a queue alone. people: what a person may do, once each: retry, discard,
    purge. before: the commands that Redis receives first.
    batch: jobs that are put in at once. large: its states take more than four seconds, and no test
    goes through it: `make test-nightly` does.
    """

    name: str
    jobs: tuple[str, ...] = ("plain", "plain")
    processes: tuple[Setup, ...] = (Setup(), Setup())
    alive: int = 2
    faults: Faults = Faults()  # noqa: RUF009 - a tuple
    blogs: int = 0
    people: tuple[str, ...] = ()
    before: tuple[tuple[str | int, ...], ...] = ()
    batch: int = 1
    large: bool = False

    @property
    def bound(self) -> str:
        """In words."""
        faults = [f"{count} {name}" for name, count in self.faults._asdict().items() if count]
        jobs = [f"{n} {kind}" for kind, n in Counter(self.jobs).items()]
        workers = f"workers: {self.alive}, of {len(self.processes)}"
        parts = [f"jobs: {', '.join(jobs) or 'none'}", workers, f"blogs: {self.blogs}"]
        parts += [f"faults: {', '.join(faults[1:]) or 'none'}"]
        return "; ".join(parts) + (f", {self.faults.all} in all" if faults else "")


@dataclass
class Ledger:
    """What everybody has seen: the only thing that promises are held against, beside Redis."""

    accepted: list[str] = field(default_factory=list)
    due: dict[str, float] = field(default_factory=dict)
    mail_of: dict[str, str] = field(default_factory=dict)
    begun: Counter[str] = field(default_factory=Counter)
    mailed: Counter[str] = field(default_factory=Counter)
    waits: set[tuple[str, str]] = field(default_factory=set)  # by which worker's word which job
    decided: set[str] = field(default_factory=set)  # jobs that a person discarded
    acts: set[str] = field(default_factory=set)  # what people did
    faults: Counter[str] = field(default_factory=Counter)
    touched: set[str] = field(default_factory=set)  # workers that something was done to
    broken: str = ""  # what the last step itself showed to be wrong

    @property
    def lost(self) -> int:
        """How often Redis lost what it had."""
        return self.faults["wipe"] + self.faults["rollback"]

    @property
    def disturbed(self) -> int:
        """How many faults there were."""
        return self.faults.total()

"""A trial that is still to be run: its jobs, and what is broken, and when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self


class Act(StrEnum):
    """A fault that hits a process while it halts at a step."""

    KILL = "SIGKILL"
    #: Stopped until another worker had time to take over, and then let go on.
    PAUSE = "SIGSTOP, and SIGCONT later"
    #: Stopped for less than a lease.
    NAP = "SIGSTOP, and SIGCONT soon"
    #: Two workers are stopped at the same step, and go on at the same time.
    BOTH = "two workers at the same step"
    #: The command arrives, and its answer does not.
    LOSE = "the answer is lost"
    #: The server is killed before the command arrives.
    SERVER = "the server's SIGKILL"
    #: The server is killed once it has done the command, before its answer arrives.
    SERVER_AFTER = "the server's SIGKILL after the command, before its answer"


#: What the judge does after an act, so that the trial goes on.
REPAIRS = ("SIGCONT", "started again")
#: The step of a worker that waits for a job that is not there yet.
IDLE = "idle"
#: A job that is never put in.
NOBODYS = "nobody's"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault for the next worker (or the producer) that reaches a step.

    Attributes:
        at: ``method:COMMAND:nth:before|after``, ``run:begin``, ``run:JOB``, ``run:end``,
            ``put:begin``, or `IDLE`.
        act: what is done.
        nth: at which passage.
    """

    at: str
    act: Act
    nth: int = 1

    @property
    def in_producer(self) -> bool:
        """True if the fault hits the producer."""
        return self.at.startswith("put:")


@dataclass(frozen=True, slots=True)
class Plan:
    """One trial.

    Attributes:
        level: the level to which it belongs.
        jobs: put in before any worker runs, unless `early`.
        faults: what is broken.
        later: jobs that another process puts in after a pause has ended, or at once if nothing is
            broken.
        early: how many workers run before the jobs are put in.
        workers: how many run at least, in the end.
        quiet: seconds to wait, after the last run, for one that should not be.
        producer_dies: whether the producer is killed before the server starts again.
        ready: whether another worker is ready before a fault.
    """

    level: int
    jobs: tuple[str, ...] = ("job-1",)
    faults: tuple[Fault, ...] = ()
    later: tuple[str, ...] = ()
    early: int = 0
    workers: int = 1
    quiet: float = 0.0
    producer_dies: bool = False
    ready: bool = False

    @property
    def kills_server(self) -> bool:
        """True if the server must sync each write before it replies."""
        return any(fault.act in (Act.SERVER, Act.SERVER_AFTER) for fault in self.faults)

    def smaller(self) -> list[Self]:
        """Return the same plan with one fault less, or fewer jobs; the smallest first."""
        fewer = [
            replace(self, faults=self.faults[:i] + self.faults[i + 1 :])
            for i in range(len(self.faults))
            if len(self.faults) > 1
        ]
        count = len(self.jobs)
        sizes = {1, 8, count // 2, count * 3 // 4 if count > 9 else count - 1}
        return fewer + [replace(self, jobs=self.jobs[:n]) for n in sorted(sizes) if 0 < n < count]

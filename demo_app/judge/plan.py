"""The plan of a trial: its jobs and its faults."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self


class Act(StrEnum):
    """The kinds of faults. A fault occurs while a process halts at a step."""

    KILL = "SIGKILL"
    #: The process is stopped until another worker had time to rescue its job, and then continued.
    PAUSE = "SIGSTOP, and SIGCONT later"
    #: The process is stopped for less than a lease.
    NAP = "SIGSTOP, and SIGCONT soon"
    #: Two workers halt at the same step, and go on at the same time.
    BOTH = "two workers at the same step"
    #: The command arrives, but its reply is lost.
    LOSE = "the answer is lost"
    #: The server is killed before the command arrives.
    SERVER = "the server's SIGKILL"
    #: The server is killed after it has run the command, before the reply arrives.
    SERVER_AFTER = "the server's SIGKILL after the command, before its answer"


#: Actions of the judge that let a trial go on after a fault.
REPAIRS = ("SIGCONT", "started again")
#: The step of a worker that waits for a job.
IDLE = "idle"
#: A job that is never enqueued.
NOBODYS = "nobody's"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault for the next worker (or the producer) that reaches a step.

    Attributes:
        at: the step: ``method:COMMAND:nth:before|after``, ``run:begin``, ``run:JOB``,
            ``run:end``, ``put:begin``, ``put:end``, or `IDLE`.
        nth: the fault hits a process when it reaches the step for the nth time.
    """

    at: str
    act: Act
    nth: int = 1

    @property
    def in_producer(self) -> bool:
        return self.at.startswith("put:")


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of one trial.

    Attributes:
        jobs: the jobs. They are enqueued before any worker starts, unless `early` is above 0.
        later: jobs of another producer, which enqueues them after the pause of a worker or the
            death of the first producer. Without a fault, it enqueues them right after `jobs`.
        early: the number of workers that start before the jobs are enqueued.
        workers: the number of workers that the judge keeps running after the last fault.
        wait_after: seconds to wait after the last run, in case a job runs again.
        until_rescue: True if this wait ends early, when a process reports that its call of `rescue`
            moved a job.
        producer_dies: True if the producer is killed before the server starts again.
        ready: True if another worker runs all other jobs before the fault.
    """

    level: int
    jobs: tuple[str, ...] = ("job-1",)
    faults: tuple[Fault, ...] = ()
    later: tuple[str, ...] = ()
    early: int = 0
    workers: int = 1
    wait_after: float = 0.0
    until_rescue: bool = False
    producer_dies: bool = False
    ready: bool = False

    @property
    def kills_server(self) -> bool:
        """True if a fault kills the server, so that each write must be synced before the reply."""
        return any(fault.act in (Act.SERVER, Act.SERVER_AFTER) for fault in self.faults)

    def smaller(self) -> list[Self]:
        """Return plans with one fault less, and plans with fewer jobs (the smallest first)."""
        fewer = [
            replace(self, faults=self.faults[:i] + self.faults[i + 1 :])
            for i in range(len(self.faults))
            if len(self.faults) > 1
        ]
        count = len(self.jobs)
        sizes = {1, 8, count // 2, count * 3 // 4 if count > 9 else count - 1}
        return fewer + [replace(self, jobs=self.jobs[:n]) for n in sorted(sizes) if 0 < n < count]

"""The twelve levels: the promise of each level, and the trials that try to break the promise."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from demo_app.judge.plan import IDLE, Act, Fault, Plan
from demo_app.judge.steps import OPEN

#: BACK: seconds until a killed worker's job must run again. LONG: seconds that a long job takes.
BACK, LONG = 5.0, 7.0
#: BACKLOG: jobs in a long queue. MANY: limit of jobs for a library, since some libraries start a
#: process for each job. ENDLESS: limit of the runs of a poison pill.
BACKLOG, MANY, ENDLESS = 300, 60, 8
Steps = Sequence[str]


@dataclass(frozen=True, slots=True)
class Level:
    """One level.

    Attributes:
        plans: a function that returns the plans of the trials. Its argument is the queue's steps.
        at_steps: True if the trials depend on the steps.
        faults_at_random: True if further trials combine faults of `plans` at random.
    """

    number: int
    name: str
    plans: Callable[[Steps], list[Plan]]
    at_steps: bool = False
    faults_at_random: bool = False


def _names(count: int, seconds: float = 0.0) -> tuple[str, ...]:
    ending = f":{seconds}" if seconds else ""
    return tuple(f"job-{number}{ending}" for number in range(1, count + 1))


def _of(steps: Steps, *methods: str) -> list[str]:
    return [step for step in steps if step.partition(":")[0] in methods]


def _sent(steps: Steps) -> list[str]:
    """Return the steps that send a command. Other steps open a file, and have no reply to lose."""
    return [step for step in steps if f":{OPEN}:" not in step]


def _rescues(steps: Steps) -> list[str]:
    """Return the steps of a rescue (for ``again:STEP`` see `coverage.survey`)."""
    return [step.removeprefix("again:") for step in _of(steps, "rescue", "again")]


def _one_fault(level: int, faults: Sequence[Fault], **given: object) -> list[Plan]:
    plan = Plan(level, **given)  # type: ignore[arg-type]
    return [replace(plan, faults=(fault,)) for fault in faults]


def _runs(_: Steps) -> list[Plan]:
    return [
        Plan(1),
        Plan(1, _names(3), early=1),
        # a job must run even if it is enqueued while another job with the same text runs
        Plan(1, ("job-1:2.0",), later=("job-1:2.0",), early=1),
        Plan(1, _names(BACKLOG), workers=2),
    ]


def _in_order(_: Steps) -> list[Plan]:
    first, later = _names(6)[:3], _names(6)[3:]
    return [Plan(2, _names(6)), Plan(2, _names(BACKLOG)), Plan(2, first, later=later)]


_NO_WAIT = [Plan(3, _names(4, 0.7), early=1), Plan(3, _names(5), early=1), Plan(3, _names(BACKLOG))]


def _one_taker(steps: Steps) -> list[Plan]:
    at = _of(steps, "claim", "cable")
    naps = [Fault(step, Act.NAP) for step in at]
    both = [Fault(step, Act.BOTH) for step in at if step.endswith(":before")]
    return [
        Plan(4, _names(4, 1.0), early=2, workers=2),
        *_one_fault(4, naps + both, wait_after=0.7),
        Plan(4, _names(24), early=3, workers=3, wait_after=0.7),
    ]


_BUSY = Fault("run:begin", Act.KILL)
_LONG_JOB = Plan(7, (f"job-1:{LONG}",), workers=2, wait_after=1.5)


def _worker_dies(steps: Steps) -> list[Plan]:
    kills = [Fault(step, Act.KILL) for step in _of(steps, "claim", "ack", "cable")]
    at_run = [_BUSY, Fault("run:end", Act.KILL), Fault(IDLE, Act.KILL)]
    rescuers = [Fault(step, Act.KILL) for step in _rescues(steps)]
    return [
        *_one_fault(5, at_run + kills),
        *(Plan(5, faults=(_BUSY, fault)) for fault in rescuers),
        Plan(5, _names(BACKLOG), (_BUSY,)),  # the worker may have prefetched other jobs
        # each job is interrupted only once, so the queue must not treat it as a poison pill
        Plan(5, _names(5), tuple(Fault(f"run:{job}", Act.KILL) for job in _names(5))),
        # acknowledging one of two jobs with the same text must not remove the other
        Plan(5, ("job-1", "job-1"), (_BUSY,), ready=True),
    ]


def _worker_sleeps(steps: Steps) -> list[Plan]:
    at = ["run:begin", *_of(steps, "ack", "claim", "cable")]
    pauses = [Fault(step, Act.PAUSE) for step in at]
    rescues = _rescues(steps)
    rescuers = [Fault(step, Act.PAUSE) for step in rescues]
    both = [Fault(step, Act.BOTH) for step in rescues if step.endswith(":before")]
    later = ("late-1:4.0",)
    return [
        *_one_fault(8, pauses, later=later, wait_after=1.5),
        *(Plan(8, faults=(_BUSY, fault), later=later, wait_after=1.5) for fault in rescuers),
        *(Plan(8, faults=(_BUSY, fault), wait_after=1.5) for fault in both),
    ]


def _server_dies(steps: Steps) -> list[Plan]:
    faults = [Fault("run:begin", Act.SERVER), Fault("put:end", Act.SERVER)]
    puts = _of(steps, "put")
    for step in [*_sent(puts), *_of(steps, "claim", "ack", "cable")]:
        faults.append(Fault(step, Act.SERVER))
        if step.endswith(":before") and _sent([step]):
            faults += [Fault(step, Act.SERVER_AFTER), Fault(step, Act.LOSE)]
    return [
        *_one_fault(10, faults, jobs=_names(2)),
        *_one_fault(10, [Fault(step, Act.NAP) for step in puts], jobs=_names(2), early=1),
    ]


def _server_down(_: Steps) -> list[Plan]:
    down = Fault("put:begin", Act.SERVER, nth=2)
    plan = Plan(11, _names(3), (down,))
    return [plan, replace(plan, producer_dies=True, later=("job-4",))]


def _twice(steps: Steps) -> list[Plan]:
    faults = [Fault("run:end", Act.KILL)]
    faults += [Fault(s, Act.LOSE) for s in _sent(_of(steps, "put", "ack")) if s.endswith(":before")]
    return [*_one_fault(12, faults, jobs=_names(2), wait_after=BACK), Plan(12, _names(8))]


_ALL = (
    Level(1, "an enqueued job runs", _runs),
    Level(2, "first in, first out", _in_order),
    Level(3, "the caller does not wait", lambda _: _NO_WAIT),
    Level(4, "two workers never get the same job", _one_taker, True),
    Level(5, "a worker's SIGKILL loses nothing, at any step", _worker_dies, True, True),
    Level(6, "back within 5 s", lambda _: [Plan(6, faults=(_BUSY,), ready=True)]),
    Level(7, "a healthy long job runs once", lambda _: [_LONG_JOB]),
    Level(8, "a paused worker that comes back does no harm", _worker_sleeps, True),
    Level(9, "poison ends in a dead letter", lambda _: [Plan(9, ("poison-1", "job-2"))]),
    Level(10, "the server's SIGKILL loses nothing that was promised", _server_dies, True, True),
    Level(11, "accepted means queued, even while the server is down", _server_down),
    Level(12, "seen once, although delivered twice", _twice, True, True),
)
LEVELS = {level.number: level for level in _ALL}


def at_random(level: Level, steps: Steps, chance: random.Random) -> Plan:
    known = [fault for plan in level.plans(steps) for fault in plan.faults]
    chosen = chance.sample(known, min(len(known), chance.choice((2, 3))))
    jobs = _names(chance.randint(4, 8))
    faults = [replace(f, nth=chance.randint(1, 2)) if f.at != IDLE else f for f in chosen]
    return Plan(level.number, jobs, tuple(faults), workers=chance.choice((1, 2)))

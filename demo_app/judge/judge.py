"""The judge of a target: runs the trials of each level in parallel, and minimises failures."""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, replace
from typing import Any

from demo_app.judge.checker import check
from demo_app.judge.coverage import BLIND, is_blind, reason_not_tested, survey
from demo_app.judge.history import story
from demo_app.judge.levels import LEVELS, MANY, Level, at_random
from demo_app.judge.plan import Plan
from demo_app.judge.record import Record, Translate
from demo_app.judge.runner import run_plan
from demo_app.judge.targets import Target

#: Seconds without progress after which a trial ends although jobs are unfinished.
PATIENCE = 12.0
#: Seconds of random trials, for each level that has them.
AT_RANDOM = 10.0
#: Limit of the patience (seconds) for a learner's class in trials at levels 1 to 4 without a fault.
#: In these trials no lease has to expire.
_NO_LEASE = 6.0
#: _TIMES: limit of the runs of one plan. A plan runs again if its fault did not occur, although
#: every worker passes the fault's step. It also runs again after a failure that a busy machine may
#: have caused: at a level with a time limit (_IN_TIME), or if the outcome is `too_busy`.
_TIMES, _IN_TIME = 3, (3, 6, 7)
#: Longest time to minimise a failure (seconds).
SHRINK = 60.0
#: The verdict's reason if a level failed without a lost job, but processes woke up too late.
BUSY = "This machine was too busy: run it again."


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """A plan and the record of its trial.

    Attributes:
        why: the problem in a sentence; "" if the promise was kept.
    """

    plan: Plan
    record: Record
    why: str

    @property
    def too_busy(self) -> bool:
        """True if no job is lost and a busy machine may be the reason for the failure."""
        return bool(self.why) and self.record.late and not self.record.lost


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on one level.

    Attributes:
        trials: all trials of the level. If a trial failed, it comes last, in its minimised form.
        why: the reason why the level fails, or could not be tested; "" if it holds.
    """

    level: Level
    trials: Sequence[TrialOutcome]
    why: str

    @property
    def failure(self) -> TrialOutcome | None:
        """The trial that broke the promise; None if the level holds or was not tested."""
        return self.trials[-1] if self.trials[-1].why else None

    @property
    def held(self) -> bool | None:
        """True if the level holds; None if it could not be tested."""
        return False if self.failure else None if self.why else True

    def count(self, what: str) -> int:
        """Return the number of put, lost or doubled jobs (as in `what`) in all trials."""
        return sum(len(getattr(trial.record, what)) for trial in self.trials)

    def as_json(self) -> dict[str, Any]:
        return {
            "level": self.level.number,
            "name": self.level.name,
            "held": self.held,
            "jobs": self.count("put"),
            "lost": self.count("lost"),
            "doubled": self.count("doubled"),
            "slowest_s": round(max(trial.record.slowest for trial in self.trials), 2),
            "why": self.why,
            "history": [*map(asdict, story(self.failure.record))] if self.failure else [],
        }


class Judge:
    """The judge of one target. At the end of a `with` block, all trials and processes end.

    Args:
        seed: the seed of the random trials.
        seconds: the duration of the random trials, for each level that has them.
        at_once: the number of parallel trials; at most 3 if the target is not a learner's class.
        patience: see `PATIENCE`.
        shrink: see `SHRINK`.
    """

    def __init__(
        self,
        target: Target,
        seed: int = 0,
        seconds: float = AT_RANDOM,
        at_once: int = 8,
        patience: float = PATIENCE,
        translate: Translate = str.format,
        shrink: float = SHRINK,
    ) -> None:
        self._target, self._seed, self._translate, self._shrink = target, seed, translate, shrink
        self._seconds, self._patience = seconds, patience
        self._begun: list[Future[TrialOutcome]] = []
        #: The steps that every worker with a job passes.
        self._sure = {"run:begin", "run:end"}
        #: For each level: an event that stops its running trials.
        self._stops: defaultdict[int, threading.Event] = defaultdict(threading.Event)
        self._pool = ThreadPoolExecutor(at_once if target.stepped else min(at_once, 3))

    def __enter__(self) -> "Judge":
        return self

    def __exit__(self, *_: object) -> None:
        for stop in self._stops.values():
            stop.set()
        self._pool.shutdown(cancel_futures=True)
        self._target.close()

    def judge(self, levels: Iterable[int]) -> Iterator[Verdict]:
        """Start the trials of these levels, and yield the verdict on each level, in order.

        Raises:
            CannotJudge: the target can't be run.
        """
        chosen = [LEVELS[number] for number in levels]
        target = self._target
        steps: list[str] = []
        if not target.trusted and any(level.at_steps for level in chosen):
            steps, sure = survey(self._records, stepped=target.stepped)
            self._sure |= sure
        begun = {
            level.number: [self._pool.submit(self._try, plan) for plan in level.plans(steps)]
            for level in chosen
        }
        self._begun = [future for futures in begun.values() for future in futures]
        for level in chosen:
            yield self._verdict(level, steps, begun[level.number])

    def so_far(self) -> str:
        over = sum(future.done() for future in self._begun)
        return self._translate("{over} of {all} trials are over.", over=over, all=len(self._begun))

    def _records(self, plans: Sequence[Plan]) -> list[Record]:
        return [outcome.record for outcome in self._pool.map(self._try, plans)]

    def _try(self, plan: Plan, times: int = _TIMES) -> TrialOutcome:
        """Run a plan. Run it again if a busy machine may be the reason for the outcome.

        Args:
            times: limit of the runs.
        """
        patience = self._patience
        if self._target.stepped and plan.level <= 4 and not plan.faults:
            patience = min(patience, _NO_LEASE)
        if self._target.trusted:
            plan = replace(plan, jobs=plan.jobs[:MANY])
        record = run_plan(self._target, plan, patience, self._stops[plan.level])
        outcome = TrialOutcome(plan, record, check(plan, record))
        in_time = plan.level in _IN_TIME or outcome.too_busy
        again = in_time if outcome.why else self._missed(record)
        if again and times > 1 and not self._stops[plan.level].is_set():
            return self._try(plan, times - 1)
        return outcome

    def _missed(self, record: Record) -> list[str]:
        """Return the steps in `_sure` that no process passed although a fault was planned there."""
        return [event["step"] for event in record.of("missed") if event["step"] in self._sure]

    def _verdict(
        self, level: Level, steps: Sequence[str], begun: list[Future[TrialOutcome]]
    ) -> Verdict:
        trials: list[TrialOutcome] = []
        for future in begun:
            trials.append(future.result())
            if trials[-1].why:
                self._end(level.number, begun)
                break
        missed = [step for one in trials for step in self._missed(one.record)]
        if level.faults_at_random and not trials[-1].why:
            trials += self._at_random(level, steps)
        last = trials[-1]
        if last.too_busy:
            trials[-1] = replace(last, why="")
            return Verdict(level, trials, self._translate(BUSY))
        if last.why and len(last.plan.jobs) > 2:  # a plan with two jobs is small enough
            last = trials[-1] = self._minimised(last)
        records = [trial.record for trial in trials]
        if last.why and is_blind(last.plan, records):
            trials[-1] = replace(last, why="")
            return Verdict(level, trials, self._translate(BLIND))
        why = last.why or reason_not_tested(
            self._target, level, steps, records, missed, self._translate
        )
        return Verdict(level, trials, why)

    def _end(self, level: int, begun: list[Future[TrialOutcome]]) -> None:
        for future in begun:
            future.cancel()
        self._stops[level].set()
        wait(future for future in begun if not future.cancelled())
        self._stops[level].clear()

    def _at_random(self, level: Level, steps: Sequence[str]) -> list[TrialOutcome]:
        chance = random.Random(f"{self._seed} {level.number}")
        deadline, trials = time.monotonic() + self._seconds, list[TrialOutcome]()
        while time.monotonic() < deadline and not (trials and trials[-1].why):
            plans = [at_random(level, steps, chance) for _ in range(4)]
            tried = self._pool.map(lambda plan: self._try(plan, 1), plans)
            trials += sorted(tried, key=lambda trial: bool(trial.why))
        return trials

    def _minimised(self, failed: TrialOutcome) -> TrialOutcome:
        """Run smaller and smaller plans, for at most `_shrink` seconds.

        Return the smallest trial that failed, which may be `failed` itself.
        """
        stop = self._stops[failed.plan.level]
        timer = threading.Timer(self._shrink, stop.set)
        timer.start()
        plans = failed.plan.smaller()
        try:
            while plans and not stop.is_set():
                trial = self._try(plans.pop(0))
                # a trial that was stopped or too busy proves nothing
                if trial.why and not (trial.too_busy or stop.is_set()):
                    failed, plans = trial, trial.plan.smaller()
        finally:
            timer.cancel()  # a running timer would delay the exit of this process
        return failed

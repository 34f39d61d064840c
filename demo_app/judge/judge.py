"""Judges a target: runs the trials of each level side by side, and makes each failure small."""

from __future__ import annotations

import random
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any

from demo_app.judge.asked import not_asked
from demo_app.judge.checker import check
from demo_app.judge.drive import drive
from demo_app.judge.history import story
from demo_app.judge.levels import LEVELS, Level, at_random
from demo_app.judge.plan import Act, Fault, Plan
from demo_app.judge.record import Record, Say
from demo_app.judge.settle import ENDLESS
from demo_app.judge.steps import MOVES
from demo_app.judge.target import Target

#: Seconds without progress after which a job counts as lost.
PATIENCE = 12.0
#: Seconds of trials at random, for each level that has them.
AT_RANDOM = 10.0
#: So many jobs wait at once for a library.
_MANY = 60
#: Commands that may move the poison to its dead letter; so many of them are halted at.
_MOVING, _WAYS = re.compile(f"{MOVES.pattern}|EVAL|CALL|EXEC"), 8
#: The same up to level 4, where nothing was broken: no lease has to run out first.
_NO_LEASE = 6.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """On one level. held: None when it could not be asked; why says what could not. jobs: put in,
    in all trials. lost, late, back, slowest: see `Record`. record, plan: of the failure, made
    small."""

    level: Level
    held: bool | None
    jobs: int
    lost: int
    late: int
    doubled: int
    back: float
    slowest: float
    trials: int
    why: str = ""
    plan: Plan | None = None
    record: Record | None = None

    def as_json(self) -> dict[str, Any]:
        """As the command prints it; the failure's story has its times in seconds."""
        lines = [] if self.record is None else story(self.record)
        return {
            "level": self.level.number,
            "name": self.level.name,
            "held": self.held,
            "jobs": self.jobs,
            "lost": self.lost,
            "doubled": self.doubled,
            "slowest_s": round(self.slowest, 2),
            "why": self.why,
            "history": [
                {"at": line.at, "who": line.who, "what": line.what, "step": line.step}
                for line in lines
            ],
        }


@dataclass(frozen=True, slots=True)
class Trial:
    """A plan that was run. why: "" when its level's promise was kept."""

    plan: Plan
    record: Record
    why: str


class Judge:
    """See the module.

    seconds: for trials at random, for each level that has them. at_once: trials side by side.
    patience: see `PATIENCE`. say: says what could not be asked. A context manager, which ends what
    the target started.
    """

    def __init__(
        self,
        target: Target,
        seed: int = 0,
        seconds: float = AT_RANDOM,
        at_once: int = 8,
        patience: float = PATIENCE,
        say: Say = str.format,
    ) -> None:
        self._target, self._seed, self._say = target, seed, say
        self._seconds, self._patience = seconds, patience
        self._begun: list[Future[Trial]] = []
        self._where_spoke = self._judges_poison = False
        #: Set when a level is decided.
        self._stops: defaultdict[int, threading.Event] = defaultdict(threading.Event)
        self._pool = ThreadPoolExecutor(at_once if target.stepped else min(at_once, 3))

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *_: object) -> None:
        for stop in self._stops.values():
            stop.set()
        self._pool.shutdown(cancel_futures=True)
        self._target.close()

    def judge(self, levels: Iterable[int]) -> Iterator[Verdict]:
        """The verdict on each level, in order. Raises CannotJudge."""
        wanted = [LEVELS[number] for number in levels]
        target = self._target
        halts = not target.trusted and any(lv.at_steps or lv.number == 9 for lv in wanted)
        self._judges_poison = 9 in [level.number for level in wanted]
        steps = self._steps() if halts or target.has_where else []
        begun = {
            level.number: [self._pool.submit(self._try, plan) for plan in level.plans(steps)]
            for level in wanted
        }
        self._begun = [future for futures in begun.values() for future in futures]
        for level in wanted:
            yield self._verdict(level, steps, begun[level.number])

    def so_far(self, say: Say = str.format) -> str:
        """How far it has come, for somebody who waits."""
        over = sum(future.done() for future in self._begun)
        return say("{over} of {all} trials are over.", over=over, all=len(self._begun))

    def _try(self, plan: Plan) -> Trial:
        patience = self._patience
        if self._target.stepped and plan.level <= 4 and not plan.faults:
            patience = min(patience, _NO_LEASE)
        if self._target.trusted and len(plan.jobs) > _MANY:  # some start a process for each job
            plan = replace(plan, jobs=plan.jobs[:_MANY])
        record = drive(self._target, plan, patience, self._stops[plan.level])
        self._where_spoke |= self._target.has_where and record.where_spoke
        return Trial(plan, record, check(plan, record))

    def _steps(self) -> list[str]:
        """The steps of the queue: what it does with one job, and with one of a killed worker."""
        plans = [Plan(1), Plan(5, faults=(Fault("run:begin", Act.KILL),), quiet=0.5)]
        found: dict[str, None] = {}
        stepped = self._target.stepped
        for _ in range(2):  # on a busy machine a job may not have run in the first
            for trial in self._pool.map(self._try, plans):
                for event in trial.record.events:
                    if event["event"] == "call":
                        found.update(dict.fromkeys(_named(event["method"], event["names"])))
                    elif event["event"] == "sent" and event["who"][0] == "w" and not stepped:
                        found.update(dict.fromkeys(_named("cable", event["names"])))
            if any(step.startswith(("claim", "cable")) for step in found):
                break
        if stepped and self._judges_poison:
            found.update(dict.fromkeys(self._dead_letter_steps()))
        return list(found)

    def _dead_letter_steps(self) -> list[str]:
        """``dead:DEATHS:STEP``: what moved something after the last death of a poison pill."""
        record = self._try(Plan(9, ("poison-1",))).record
        died = [run.who for run in record.poison_runs]
        if not 0 < len(died) <= ENDLESS:
            return []
        calls = [
            (event["method"], event["names"])
            for event in record.events
            if event["event"] == "call" and event["who"] not in died
            and event["method"] in ("rescue", "claim")
        ]  # fmt: skip
        steps = dict.fromkeys(step for method, names in calls for step in _named(method, names))
        moves = [s for s in steps if s.endswith(":after") and _MOVING.search(s.split(":")[1])]
        return [f"dead:{len(died)}:{step}" for step in moves][:_WAYS]

    def _verdict(self, level: Level, steps: Sequence[str], begun: list[Future[Trial]]) -> Verdict:
        trials: list[Trial] = []
        for future in begun:
            trials.append(future.result())
            if trials[-1].why:
                break
        if trials[-1].why:
            self._end(level.number, begun)
        if level.faults_at_random and not trials[-1].why:
            trials += self._at_random(level, steps)
        last = trials[-1]
        if last.why and len(last.plan.jobs) > 2:  # the others are as small as they can be
            last = trials[-1] = self._minimised(last)
        records = [trial.record for trial in trials]
        asked = last.why or not_asked(
            self._target, level, steps, records, self._where_spoke, self._say
        )
        return Verdict(
            level,
            held=False if last.why else None if asked else True,
            jobs=sum(len(record.put) for record in records),
            lost=sum(len(record.lost) for record in records),
            late=sum(len(record.late) for record in records),
            doubled=sum(len(record.doubled) for record in records),
            back=max(record.back for record in records),
            slowest=max(record.slowest for record in records),
            trials=len(trials),
            why=asked,
            plan=last.plan if last.why else None,
            record=last.record if last.why else None,
        )

    def _end(self, level: int, begun: list[Future[Trial]]) -> None:
        """The other trials of the level are of no use any more."""
        for future in begun:
            future.cancel()
        self._stops[level].set()
        wait(future for future in begun if not future.cancelled())
        self._stops[level].clear()

    def _at_random(self, level: Level, steps: Sequence[str]) -> list[Trial]:
        """Trials of several faults, until the time is up or one fails."""
        chance = random.Random(f"{self._seed} {level.number}")
        deadline, trials = time.monotonic() + self._seconds, list[Trial]()
        while time.monotonic() < deadline and not (trials and trials[-1].why):
            plans = [at_random(level, steps, chance) for _ in range(4)]
            trials += sorted(self._pool.map(self._try, plans), key=lambda trial: bool(trial.why))
        return trials

    def _minimised(self, failed: Trial) -> Trial:
        """The smallest trial that still fails: fewer faults, fewer jobs."""
        for plan in failed.plan.smaller():
            trial = self._try(plan)
            if trial.why:
                return self._minimised(trial)
        return failed


def _named(method: str, names: Sequence[str]) -> Iterator[str]:
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        yield from (f"{method}:{name}:{seen[name]}:{when}" for when in ("before", "after"))

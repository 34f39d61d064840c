"""The end of a trial: workers are kept alive until all is done, or nothing moves any more."""

from __future__ import annotations

import time

from demo_app.judge.levels import ENDLESS
from demo_app.judge.plan import Plan
from demo_app.judge.record import Record
from demo_app.judge.trial import Trial

#: Events that show that something still moves.
_MOVES = frozenset({"putting", "put", "refused", "works", "begin", "end", "halt"})
#: Runs of a job other than poison after which it counts as endless.
_TOO_OFTEN = 20
#: Workers that start one after the other and run nothing: the queue ends its own process.
_IN_VAIN = 8
#: Levels of which the second run of a job ends a trial.
_ONCE = (4, 7)
#: Seconds without another run after which poison counts as given up.
_GIVEN_UP = 6.5
#: Seconds that the end of a trial is waited for at most.
_LIMIT = 180.0


def settle(trial: Trial) -> None:
    """Return when there is nothing more to expect. Until then a worker that has died is replaced,
    as a supervisor does it."""
    plan = trial.plan
    moved, began = -1, time.monotonic()
    runs, started, since = 0, 0, began
    while not trial.stop.is_set() and time.monotonic() - began < _LIMIT:
        looked, seen = time.monotonic(), trial.seen
        alive = [part for part in trial.parts if part.running.alive()]
        works = {part.who for part in alive if part.works}
        if (moves := sum(event["event"] in _MOVES for event in seen.events)) != moved:
            moved, since = moves, time.monotonic()
        still = time.monotonic() - since
        last = {run.who: run for run in seen.runs if run.who in works}
        running = any(r.end is None and not r.job.startswith("poison") for r in last.values())
        if plan.level in _ONCE and seen.doubled:
            return
        most_runs = max(seen.times.values(), default=0)
        if most_runs > _TOO_OFTEN or still > trial.patience + (10.0 if running else 0.0):
            return
        if len(seen.runs) != runs:
            runs, started = len(seen.runs), 0
        if sum(part.works and part.role.claims for part in alive) < plan.workers:
            started += 1
            if started > _IN_VAIN:
                return
            if not trial.ready_worker().running.alive():
                trial.stop.wait(0.2)  # it can't run at all; not all the time
            continue
        finished = {event["who"] for event in seen.of("finished")}
        is_putting = any(part.role.jobs and part.who not in finished for part in alive)
        if not running and not is_putting and _is_done(plan, seen, still):
            return
        # between two looks; at many jobs a look takes time that the others need
        time.sleep(0.05 + 4 * (time.monotonic() - looked))


def _is_done(plan: Plan, seen: Record, still: float) -> bool:
    if any(job.startswith("poison") for job in seen.put):
        if not seen.poison_runs:
            return False
        return len(seen.poison_runs) > ENDLESS or (not seen.unfinished and still > _GIVEN_UP)
    return not seen.unfinished and still >= plan.quiet

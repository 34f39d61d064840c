"""What every trial needs: workers, a producer that puts jobs in, a server that starts again, and an
end: workers are kept alive until all is done, or nothing moves any more."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

from demo_app.judge.arena import Arena, Part
from demo_app.judge.levels import ENDLESS
from demo_app.judge.plan import Act, Fault, Plan
from demo_app.judge.record import Record
from demo_app.judge.target import Target

#: Seconds without a sign of a producer after which its put does not come back.
_STUCK = 6.0
#: So many jobs are looked for at a time.
LOOKS = 20
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


class Trial(Arena):
    """A plan that is being run, in an arena of its own. patience: seconds without any progress
    after which nothing more is expected. stop: see `Arena`."""

    def __init__(self, target: Target, plan: Plan, patience: float, stop: threading.Event) -> None:
        super().__init__(target, plan, stop)
        self.patience = patience

    def ready_worker(self, halt: str = "", nth: int = 1, **given: Any) -> Part:
        """Start a worker; returns when it is ready, halts, or has ended."""
        part = self.worker(halt, nth, rescues=self.plan.rescues, **given)
        events = ("works", "halt", "crashed", "begin")
        self.until(lambda: self.happened(part.who, *events) or not part.running.alive(), 60.0)
        return part

    def rescuer(self, fault: Fault) -> Part:
        """Start a worker that is to halt at the fault's step. Who halts in a rescue takes no jobs
        before: it looks after those of others."""
        return self.ready_worker(fault.at, fault.nth, claims=not fault.at.startswith("rescue:"))

    def put(self, jobs: tuple[str, ...], fault: Fault | None = None) -> Part:
        """Start a producer. fault: at which it halts, and then the trial goes on at once; else it
        returns when all jobs are in, or when a put does not come back."""
        number = sum(bool(part.role.jobs) for part in self.parts) + 1
        at, nth = (fault.at, fault.nth) if fault else ("", 1)
        texts = self.names.of(jobs)
        producer = self.start(f"p{number}", at, nth, jobs=texts)
        if not fault:
            self.wait_for(producer)
        return producer

    def wait_for(self, producer: Part) -> None:
        """Wait until it has put all its jobs in, or does not go on."""
        began, who = time.monotonic(), producer.who

        def ready() -> bool:
            last = next((e for e in reversed(self.seen.events) if e["who"] == who), {})
            is_stuck = time.monotonic() - last.get("at", began) > (_STUCK if last else 30.0)
            return last.get("event") == "finished" or is_stuck or not producer.running.alive()

        self.until(ready, 120.0)
        if not self.happened(who, "finished"):
            begun = [e["job"] for e in self.seen.of("putting") if e["who"] == who]
            self.note("put waits", to=who, job="".join(begun[-1:]))

    def halted(self, part: Part, seconds: float | None = None) -> bool:
        """Wait until it halts; False when it won't, since there is nothing left to do."""
        since = time.monotonic()

        def idle() -> bool:
            done = not part.role.jobs and not self.seen.unfinished
            return done and time.monotonic() - since > 3.0

        self.until(
            lambda: self.happened(part.who, "halt") or idle() or not part.running.alive(),
            self.patience if seconds is None else seconds,
        )
        return self.happened(part.who, "halt") is not None

    def look(self) -> None:
        """Look where each job is that is still to run."""
        for job in self.seen.unfinished[:LOOKS]:
            self.look_for(job)

    def act(self, part: Part, act: str) -> None:
        """Write down what is done to it."""
        self.note("act", to=part.who, act=act)

    def kill(self, part: Part) -> None:
        """SIGKILL."""
        self.act(part, Act.KILL)
        part.running.send(signal.SIGKILL)

    def go_on(self, part: Part) -> None:
        """SIGCONT; and it may leave the step at which it halted."""
        part.running.send(signal.SIGCONT)
        self.act(part, "SIGCONT")
        part.go.set()

    def start_server(self) -> None:
        """Start it again."""
        self.server.start()
        self.note("act", to="server", act="started again")


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

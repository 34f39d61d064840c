"""Runs a plan: starts the processes, breaks what the plan says, and waits for what comes of it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from demo_app.judge.arena import Arena, Part
from demo_app.judge.hearing import Event
from demo_app.judge.names import Names
from demo_app.judge.plan import IDLE, Act, Fault, Plan
from demo_app.judge.record import Record
from demo_app.judge.settle import settle
from demo_app.judge.target import Target

#: Seconds that a paused worker sleeps: longer than any lease with which a job is back in time.
PAUSE = 5.0
#: Seconds in which a worker that goes on again can say that it is alive.
_AWAKE = 1.2
#: Seconds without a sign of a producer after which its put does not come back.
_STUCK = 6.0
#: So many jobs are looked for at the end.
_LOOKS = 20
#: Seconds for which a nap lasts at most.
_NAP = 0.8


def drive(target: Target, plan: Plan, patience: float, stop: threading.Event) -> Record:
    """Run the plan. patience: seconds without any progress after which nothing more is expected.

    stop: when it is set, nobody wants to know any more.
    """
    with Arena(target, stop, Names(plan.odd)) as arena:
        trial = _Trial(arena, plan, patience)
        trial.run()
        return trial.record()


class _Trial:
    def __init__(self, arena: Arena, plan: Plan, patience: float) -> None:
        self._arena, self._plan, self._patience = arena, plan, patience

    def record(self) -> Record:
        return self._arena.record()

    def run(self) -> None:
        for _ in range(self._plan.early):
            self._worker()
        in_producer = [fault for fault in self._plan.faults if fault.in_producer]
        self._put(self._plan.jobs, in_producer[0] if in_producer else None)
        if self._plan.producer_dies:
            self._put(self._plan.later)
        if not self._plan.early and (waiting := self.record().unfinished):
            self._arena.look_for(waiting[0], "look")
        for _ in range(self._plan.deaths):
            dies = self._worker()
            self._arena.until(lambda dies=dies: not dies.running.alive(), self._patience)  # type: ignore[misc]
        for fault in self._plan.faults:
            if not fault.in_producer:
                self._break(fault)
        settle(self._arena, self._plan, self._patience, self._worker)
        poison = [job for job in self._plan.jobs if job.startswith("poison")]
        for job in [*self.record().unfinished[:_LOOKS], *poison]:
            self._arena.look_for(job)

    # putting in

    def _put(self, jobs: tuple[str, ...], fault: Fault | None = None) -> None:
        """Put jobs in; returns when all are, or when a put does not come back."""
        producer = self._arena.producer(jobs, fault.at if fault else "", fault.nth if fault else 1)
        if fault and self._halted(producer):
            self._do(fault, producer)
        if not self._wait_for(producer):
            begun = [e["job"] for e in self._events_of(producer) if e["event"] == "putting"]
            self._arena.note("put waits", to=producer.who, job="".join(begun[-1:]))
        if fault and self._plan.down:
            if self._plan.producer_dies:
                self._kill(producer)
            self._start_server()

    def _wait_for(self, producer: Part) -> bool:
        began = time.monotonic()

        def ready() -> bool:
            if not producer.running.alive():
                return True
            mine = self._events_of(producer)
            if not mine:
                return time.monotonic() - began > 30.0
            stuck = time.monotonic() - float(mine[-1]["at"]) > _STUCK
            return bool(mine[-1]["event"] == "finished") or stuck

        self._arena.until(ready, 120.0)
        return self._arena.happened(producer.who, "finished") is not None

    def _events_of(self, part: Part) -> list[Event]:
        return [event for event in self.record().events if event["who"] == part.who]

    # breaking

    def _break(self, fault: Fault) -> None:
        if fault.at == IDLE:
            self._kill_idle()
            return
        if fault.act is Act.BOTH:
            pair = [self._worker(fault.at, fault.nth) for _ in range(2)]
            halted = [self._halted(part) for part in pair]
            if all(halted):
                self._arena.note("act", to=pair[1].who, act=fault.act)
            for part in pair:
                self._go(part)
            return
        # who is broken in a rescue only looks after the jobs of others
        victim = self._worker(fault.at, fault.nth, claims=not fault.at.startswith("rescue:"))
        if self._halted(victim):
            if self._plan.ready:
                self._worker()
            self._do(fault, victim)
        else:
            self._arena.note("missed", step=fault.at)

    def _halted(self, part: Part) -> bool:
        """Wait until it halts; False when it won't, since there is nothing left to do."""
        arena, since = self._arena, time.monotonic()

        def idle() -> bool:
            seen = self.record()
            return not part.role.jobs and not seen.unfinished and time.monotonic() - since > 3.0

        arena.until(
            lambda: arena.happened(part.who, "halt") or idle() or not part.running.alive(),
            self._patience,
        )
        return arena.happened(part.who, "halt") is not None

    def _do(self, fault: Fault, part: Part) -> None:
        for job in self.record().unfinished[:_LOOKS]:
            self._arena.look_for(job)
        self._arena.note("act", to=part.who, act=fault.act)
        match fault.act:
            case Act.KILL:
                part.running.send(signal.SIGKILL)
            case Act.NAP:
                self._stop(part, self._nap)
            case Act.PAUSE:
                self._stop(part, self._sleep)
            case Act.LOSE | Act.SERVER_AFTER:
                part.cable.lose_answer()
                self._go(part)
                part.cable.lost.wait(5.0)
                if fault.act is Act.SERVER_AFTER:
                    self._arena.server.kill()
                    self._start_server()
            case Act.SERVER:
                self._arena.server.kill()
                self._go(part)
                if not self._plan.down:
                    self._start_server()
        if fault.act is Act.PAUSE and self._plan.later:
            self._arena.stop.wait(_AWAKE)
            self._put(self._plan.later)
            names = set(self._plan.later)
            self._arena.until(lambda: names <= {run.job for run in self.record().runs}, 6.0)
            self._worker()

    def _stop(self, part: Part, meanwhile: Callable[[Part], None]) -> None:
        part.running.send(signal.SIGSTOP)
        meanwhile(part)
        part.running.send(signal.SIGCONT)
        self._arena.note("act", to=part.who, act="SIGCONT")
        self._go(part)

    def _nap(self, _: Part) -> None:
        self._worker()
        self._arena.until(lambda: not self.record().unfinished, _NAP)

    def _sleep(self, part: Part) -> None:
        other = self._worker()
        self._arena.stop.wait(PAUSE)  # the pause itself

        def is_idle() -> bool:
            return all(run.end is not None for run in self.record().runs if run.who == other.who)

        self._arena.until(is_idle, self._patience)
        if part.role.claims:  # what comes next is for the one that comes back
            self._kill(other)

    def _kill_idle(self) -> None:
        victim = self._worker()
        self._arena.until(lambda: not self.record().unfinished, self._patience)
        time.sleep(0.3)  # somewhere in its next claim
        victim.running.send(signal.SIGSTOP)
        self._arena.note("act", to=victim.who, act="SIGSTOP, while it waits for a job")
        self._put(("idle-1",))
        self._kill(victim)

    def _kill(self, part: Part) -> None:
        self._arena.note("act", to=part.who, act=Act.KILL)
        part.running.send(signal.SIGKILL)

    def _start_server(self) -> None:
        self._arena.server.start()
        self._arena.note("act", to="server", act="started again")

    def _go(self, part: Part) -> None:
        part.go.set()

    def _worker(self, halt: str = "", nth: int = 1, **given: Any) -> Part:
        part = self._arena.worker(halt, nth, rescues=self._plan.rescues, **given)
        events = ("works", "halt", "crashed", "begin")
        self._arena.until(
            lambda: self._arena.happened(part.who, *events) or not part.running.alive(), 60.0
        )
        return part

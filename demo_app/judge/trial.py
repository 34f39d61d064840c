"""What every trial needs: workers, a producer that puts jobs in, and a server that starts again."""

from __future__ import annotations

import signal
import time
from typing import Any

from demo_app.judge.arena import Arena, Part
from demo_app.judge.hearing import Event
from demo_app.judge.plan import Act, Fault, Plan
from demo_app.judge.record import Record

#: Seconds without a sign of a producer after which its put does not come back.
_STUCK = 6.0
#: So many jobs are looked for at a time.
LOOKS = 20


class Trial:
    """A plan that is being run. patience: seconds without any progress after which nothing more is
    expected."""

    def __init__(self, arena: Arena, plan: Plan, patience: float) -> None:
        self.arena, self.plan, self.patience = arena, plan, patience

    @property
    def seen(self) -> Record:
        """What has happened until now."""
        return self.arena.record()

    def worker(self, halt: str = "", nth: int = 1, **given: Any) -> Part:
        """Start a worker; returns when it is ready, halts, or has ended."""
        part = self.arena.worker(halt, nth, rescues=self.plan.rescues, **given)
        events = ("works", "halt", "crashed", "begin")
        self.arena.until(
            lambda: self.arena.happened(part.who, *events) or not part.running.alive(), 60.0
        )
        return part

    def rescuer(self, fault: Fault) -> Part:
        """Start a worker that is to halt at the fault's step. Who halts in a rescue takes no jobs
        before: it looks after those of others."""
        return self.worker(fault.at, fault.nth, claims=not fault.at.startswith("rescue:"))

    def put(self, jobs: tuple[str, ...], fault: Fault | None = None) -> Part:
        """Start a producer. fault: at which it halts, and then the trial goes on at once; else it
        returns when all jobs are in, or when a put does not come back."""
        if fault:
            return self.arena.producer(jobs, fault.at, fault.nth)
        producer = self.arena.producer(jobs)
        self.wait_for(producer)
        return producer

    def wait_for(self, producer: Part) -> None:
        """Wait until it has put all its jobs in, or does not go on."""
        began = time.monotonic()

        def mine() -> list[Event]:
            return [event for event in self.seen.events if event["who"] == producer.who]

        def ready() -> bool:
            if not producer.running.alive():
                return True
            if not (events := mine()):
                return time.monotonic() - began > 30.0
            stuck = time.monotonic() - float(events[-1]["at"]) > _STUCK
            return bool(events[-1]["event"] == "finished") or stuck

        self.arena.until(ready, 120.0)
        if not self.arena.happened(producer.who, "finished"):
            begun = [event["job"] for event in mine() if event["event"] == "putting"]
            self.arena.note("put waits", to=producer.who, job="".join(begun[-1:]))

    def halted(self, part: Part, seconds: float | None = None) -> bool:
        """Wait until it halts; False when it won't, since there is nothing left to do."""
        arena, since = self.arena, time.monotonic()

        def idle() -> bool:
            done = not part.role.jobs and not self.seen.unfinished
            return done and time.monotonic() - since > 3.0

        arena.until(
            lambda: arena.happened(part.who, "halt") or idle() or not part.running.alive(),
            self.patience if seconds is None else seconds,
        )
        return arena.happened(part.who, "halt") is not None

    def look(self) -> None:
        """Look where each job is that is still to run."""
        for job in self.seen.unfinished[:LOOKS]:
            self.arena.look_for(job)

    def note(self, part: Part, act: str) -> None:
        """Write down what is done to it."""
        self.arena.note("act", to=part.who, act=act)

    def kill(self, part: Part) -> None:
        """SIGKILL."""
        self.note(part, Act.KILL)
        part.running.send(signal.SIGKILL)

    def go_on(self, part: Part) -> None:
        """SIGCONT; and it may leave the step at which it halted."""
        part.running.send(signal.SIGCONT)
        self.note(part, "SIGCONT")
        part.go.set()

    def start_server(self) -> None:
        """Start it again."""
        self.arena.server.start()
        self.arena.note("act", to="server", act="started again")

"""What every trial needs: workers, a producer that puts jobs in, and a server that starts again."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

from demo_app.judge.arena import Arena, Part
from demo_app.judge.plan import Act, Fault, Plan
from demo_app.judge.target import Target

#: Seconds without a sign of a producer after which its put does not come back.
_STUCK = 6.0
#: So many jobs are looked for at a time.
LOOKS = 20


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

    def put(self, jobs: tuple[str, ...], fault: Fault | None = None, skew: float = 0.0) -> Part:
        """Start a producer. fault: at which it halts, and then the trial goes on at once; else it
        returns when all jobs are in, or when a put does not come back."""
        number = sum(bool(part.role.jobs) for part in self.parts) + 1
        at, nth = (fault.at, fault.nth) if fault else ("", 1)
        producer = self.start(f"p{number}", at, nth, jobs=self.names.of(jobs), skew=skew)
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

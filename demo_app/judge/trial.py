"""A trial: its server, its processes with one proxy each, its faults, and its log."""

import shutil
import signal
import tempfile
import threading
import time
from asyncio import sleep
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from demo_app.judge.event_log import Event, EventLog
from demo_app.judge.names import Names
from demo_app.judge.plan import Act, Fault, Plan
from demo_app.judge.record import Record
from demo_app.judge.role import EVENTS, FILES, Role
from demo_app.judge.server import TrialServer
from demo_app.judge.targets import Running, Target
from demo_app.judge.wire_log import WireLog
from demo_app.rig.polling import until
from demo_app.rig.proxy import Proxy

#: For each event that a process reports at a step: the name of this step.
_STEPS = {"putting": "put:begin", "put": "put:end", "refused": "put:end",
          "begin": "run:begin", "end": "run:end"}  # fmt: skip
#: A put counts as stuck if its producer reports no event for this time (seconds).
_STUCK = 6.0
#: Limit of the jobs that `log_locations` searches for.
LOOKS = 20


@dataclass(eq=False)
class Part:
    """A process of the trial, and the proxy between it and the server.

    Attributes:
        nth: the process halts when it reaches its role's halt step for the nth time.
        go: an event that is set when the process may continue after its halt.
        passed: the number of times that the process has reached its halt step.
    """

    role: Role
    nth: int
    proxy: Proxy
    go: threading.Event = field(default_factory=threading.Event)
    passed: int = 0
    running: Running = field(default_factory=lambda: Running(None))

    @property
    def who(self) -> str:
        return self.role.who

    @property
    def works(self) -> bool:
        return not self.role.jobs and not self.role.locates

    def halts_at(self, step: str) -> bool:
        """Return True if the process must halt at this step now.

        Each time the process reaches its role's halt step, add 1 to `passed`.
        """
        if not step or step != self.role.halt:
            return False
        self.passed += 1
        return self.passed == self.nth


class Trial:
    """One run of a plan.

    A `with` block starts the server. At the end of the block, all processes are killed, and the
    trial's folder is deleted.

    Attributes:
        patience: seconds without progress that end the trial.
        stop: an event that ends every wait when it is set.
    """

    def __init__(self, target: Target, plan: Plan, patience: float, stop: threading.Event) -> None:
        self._target, self.plan, self.names = target, plan, Names()
        self.patience, self.stop = patience, stop
        self.folder = Path(tempfile.mkdtemp(prefix="t", dir=target.work))
        (self.folder / FILES).mkdir(mode=0o700)
        fsync = plan.kills_server
        self.server = TrialServer(self.folder, target.group, target.password, fsync=fsync)
        self.parts: list[Part] = []
        self._over = False
        self._log = EventLog(self.folder / EVENTS, self._answer, self._named)
        self.note = self._log.note
        self._record = Record([])

    def __enter__(self) -> Self:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        for part in [*self.parts]:
            self.forget(part)
            part.go.set()
        self._log.close()
        self.server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def forget(self, part: Part) -> None:
        part.running.send(signal.SIGKILL)
        part.proxy.end()
        self.parts.remove(part)

    def log_location(self, job: str, event: str = "where") -> None:
        """Log the keys that store the job, and the reply of the queue's own `where`, if any.

        Args:
            event: the kind of event: "where", or "look", which is not shown in the history.
        """
        (text,) = self.names.of([job])
        keys = self.server.where(text)
        if self._target.has_where:
            part = self.start("where", locates=(text,))
            self.until(lambda: not part.running.alive(), 60.0)
            places = [e["place"] for e in self._log.events if e["event"] == "located"][-1:]
            keys = [*keys, *filter(None, places)]
            self.forget(part)
        self.note(event, job=job, keys=keys)

    @property
    def seen(self) -> Record:
        if len(self._log.events) > len(self._record.events):
            self._record = Record([*self._log.events])
        return self._record

    def until(self, condition: Callable[[], object], seconds: float) -> None:
        until(lambda: condition() or self.stop.is_set(), seconds)

    def happened(self, who: str, *events: str) -> Event | None:
        """Return the first event of these kinds that the process reported."""
        found = (e for e in [*self._log.events] if e["who"] == who and e["event"] in events)
        return next(found, None)

    def ready_worker(self, halt: str = "", nth: int = 1, **given: Any) -> Part:
        """Start a worker with a new name. Return when it is ready, halts, or has ended.

        Return after 60 s in any case.

        Args:
            halt: the step at which the worker halts; "" for none.
            nth: the worker halts when it reaches the step for the nth time.
            given: further fields of its role.
        """
        number = sum(part.works for part in self.parts) + 1
        part = self.start(f"w{number}", halt, nth, **given)
        events = ("works", "halt", "crashed", "begin")
        self.until(lambda: self.happened(part.who, *events) or not part.running.alive(), 60.0)
        return part

    def worker_halting_at(self, fault: Fault) -> Part:
        """Start a worker that halts at the fault's step.

        If the step belongs to `rescue`, the worker does not claim jobs before the judge lets it go
        on, so that it begins with the rescue.
        """
        return self.ready_worker(fault.at, fault.nth, claims=not fault.at.startswith("rescue:"))

    def put(self, jobs: tuple[str, ...], fault: Fault | None = None) -> Part:
        """Start a producer, wait until it has enqueued the jobs (see `wait_for`), and return it.

        Args:
            fault: if given, the producer halts at the fault's step, and `put` does not wait.
        """
        number = sum(bool(part.role.jobs) for part in self.parts) + 1
        at, nth = (fault.at, fault.nth) if fault else ("", 1)
        texts = self.names.of(jobs)
        producer = self.start(f"p{number}", at, nth, jobs=texts)
        if not fault:
            self.wait_for(producer)
        return producer

    def wait_for(self, producer: Part) -> None:
        """Wait until the producer has enqueued all its jobs, is stuck, or has ended.

        If it has not enqueued all its jobs, log "put waits" with the last job that it began to put.
        """
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
        """Wait until the process halts, and return True.

        Return False on a timeout, if the process has ended, or if a worker has no more jobs to run.

        Args:
            seconds: timeout; None for `patience`.
        """
        since = time.monotonic()

        def idle() -> bool:
            done = not part.role.jobs and not self.seen.unfinished
            return done and time.monotonic() - since > 3.0

        self.until(
            lambda: self.happened(part.who, "halt") or idle() or not part.running.alive(),
            self.patience if seconds is None else seconds,
        )
        return self.happened(part.who, "halt") is not None

    def log_locations(self) -> None:
        for job in self.seen.unfinished[:LOOKS]:
            self.log_location(job)

    def log_action(self, part: Part, act: str) -> None:
        """Log an action of the judge that hits the process, such as a fault."""
        self.note("act", to=part.who, act=act)

    def kill(self, part: Part) -> None:
        self.log_action(part, Act.KILL)
        part.running.send(signal.SIGKILL)

    def go_on(self, part: Part) -> None:
        part.running.send(signal.SIGCONT)
        self.log_action(part, "SIGCONT")
        part.go.set()

    def start_server(self) -> None:
        self.server.start()
        self.note("act", to="server", act="started again")

    def _named(self, event: Event) -> Event:
        """Return a copy of the event, with a name such as "job-1" in place of each random text."""
        readable: Event = {
            name: self.names.readable(str(event[name]))
            for name in ("error", "message_id", "words")
            if name in event
        }
        if "commands" in event:
            readable["commands"] = [self.names.readable(str(words)) for words in event["commands"]]
        if "job" in event:
            readable["job"] = self.names.labels.get(job := str(event["job"]), job[:100])
        return {**event, **readable}

    def start(self, who: str, halt: str = "", nth: int = 1, **given: Any) -> Part:
        folder = self.folder / f"{who}-{len(self._log.events)}"
        folder.mkdir()
        at = None if self.server.address else folder / "redis.sock"
        watch = WireLog(who, self.note, lambda step: self._holds(part, step))
        proxy = Proxy(self.server.connect, at, watch)
        address = str(at or self.server.address.format(proxy.port))
        role = Role(who, str(self.folder), address, halt=halt, **given)
        part = Part(role, nth, proxy)
        self.parts.append(part)  # the process may report an event before `start` returns
        part.running = self._target.start(role)
        return part

    def _answer(self, who: str, event: Event) -> Event:
        part = next((part for part in self.parts if part.who == who), None)
        kind = event["event"]
        if part is None:
            raise EOFError
        job = str(event.get("job", ""))
        job = job if job in self.names.texts else ""
        if kind == "passes":
            given = {name: event[name] for name in ("method", "commands")}
            self.note("call", who, names=[], halted=True, **given)
        if kind == "rescues":
            part.go.wait()
        step = _STEPS.get(kind, str(event.get("step", "")))
        if part.halts_at(step) or (step == "run:begin" and part.halts_at(f"run:{job}")):
            self.note("halt", who, step=f"{step} {event.get('words', '')}".strip())
            part.go.wait()
        if self._over:
            raise EOFError
        return {"seconds": float(job.partition(":")[2] or 0), "dies": job.startswith("poison")}

    async def _holds(self, part: Part, step: str) -> None:
        """If the process must halt at this step, wait until the judge lets it go on.

        Meanwhile the proxy holds the command or its reply.
        """
        if part.halts_at(step):
            self.note("halt", part.who, step=step)
            while not part.go.is_set():
                await sleep(0.01)

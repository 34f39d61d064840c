"""What a check works with: it puts jobs in, waits for what they write down, and expects."""

from __future__ import annotations

import json
import selectors
import signal
import time
from collections.abc import Callable
from typing import Any, TypeVar

import redis

from demo_app.conformance.processes import Processes
from demo_app.conformance.sample_tasks import EVENTS
from demo_app.jobs.capabilities import Capabilities, Death, Priority

Answer = TypeVar("Answer")
Event = dict[str, Any]

#: Seconds that are given to what should not happen.
QUIET = 1.5
#: Seconds for the process that puts jobs in to answer, its start included.
ANSWER_SECONDS = 60.0


class Broken(AssertionError):
    """A promise was not kept; says what was promised, and what happened."""


class Refused(Broken):
    """Something was refused, which may be just what is looked for; `kind` is the exception's
    name."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Harness(Processes):
    """See the module."""

    def start_host(self) -> None:
        """Start the process that puts jobs in; returns when it answers."""
        super().start_host()
        description = self.ask("describe")
        self.in_request: bool = description.pop("in_request")
        survives = frozenset(map(Death, description.pop("survives")))
        priority = Priority(description.pop("priority"))
        self.capabilities = Capabilities(priority=priority, survives=survives, **description)

    def wait_until_idle(self) -> None:
        """Wait until a worker waits for its next job at the broker, where that can be seen."""
        if self.subject.broker is not None:
            client = redis.Redis.from_url(self.redis_url.replace("redis+socket", "unix"))
            self.until(lambda: client.info("clients")["blocked_clients"] > 0, "an idle worker")
            client.close()

    def send(self, do: str, **what: Any) -> None:
        """Ask for something, and don't wait for the answer."""
        assert self.host.stdin is not None
        self.host.stdin.write(json.dumps({"do": do, **what}).encode() + b"\n")
        self.host.stdin.flush()

    def ask(self, do: str, **what: Any) -> Any:
        """Ask for something.

        Raises Refused when that raises there, and Broken when no answer comes.
        """
        self.send(do, **what)
        if not self.has_answered(ANSWER_SECONDS):
            raise Broken(f"no answer to {do!r} within {ANSWER_SECONDS:.0f} s")
        return self.answer()

    def has_answered(self, seconds: float) -> bool:
        """Whether there is an answer within that time."""
        assert self.host.stdout is not None
        with selectors.DefaultSelector() as selector:  # select(2) ends at 1,024 descriptors
            selector.register(self.host.stdout, selectors.EVENT_READ)
            return bool(selector.select(seconds))

    def answer(self) -> Any:
        """The answer to what was asked for; raises Refused when that raised there."""
        assert self.host.stdout is not None
        line = self.host.stdout.readline()
        if not line:
            raise Broken(f"the process that puts jobs in ended: {self.last_log_line()}")
        reply = json.loads(line)
        if "error" in reply:
            raise Refused(reply["error"], reply["message"])
        return reply["answer"]

    def put_beside_stopped_worker(self, task: str, **arguments: Any) -> str:
        """Put one job in while the worker is stopped; returns its id.

        A worker of a table may have been stopped in the middle of a transaction, and nobody can
        put anything in before that has ended.
        """
        wanted = {"task": task, "using": {}, "arguments": arguments}
        self.send("enqueue", jobs=[wanted])
        while not self.has_answered(1.0):
            self.signal_worker(signal.SIGCONT)
            self.has_answered(0.01)
            self.signal_worker(signal.SIGSTOP)
        return str(self.answer()[0])

    def put(self, task: str, using: dict[str, Any] | None = None, **arguments: Any) -> str:
        """Put one job in; returns its id."""
        wanted = {"task": task, "using": using or {}, "arguments": arguments}
        return str(self.ask("enqueue", jobs=[wanted])[0])

    def find(self, job_id: str) -> dict[str, Any]:
        """What the backend knows of the job; raises Refused with LookupError for nothing."""
        result: dict[str, Any] = self.ask("find", id=job_id)
        return result

    def finished(self, job_id: str) -> dict[str, Any]:
        """What the backend knows of the job, after it has ended."""
        return self.until(lambda: self._if_finished(job_id), f"the end of the job {job_id}")

    def _if_finished(self, job_id: str) -> dict[str, Any] | None:
        result = self.find(job_id)
        return result if result["status"] in ("SUCCESSFUL", "FAILED") else None

    def events(self, event: str = "", **details: Any) -> list[Event]:
        """What the jobs wrote down, oldest first: of one kind, with these details."""
        path = self.folder / EVENTS
        lines = path.read_bytes().splitlines() if path.exists() else []
        wanted = {"event": event, **details} if event else details
        return [line for line in map(json.loads, lines) if wanted.items() <= line.items()]

    def wait_for(self, event: str, times: int = 1, **details: Any) -> list[Event]:
        """Wait until the jobs wrote that down so many times."""
        return self.until(
            lambda: found if len(found := self.events(event, **details)) >= times else None,
            f"{event} {details or ''} {times} times",
        )

    def release(self, name: str) -> None:
        """Let the job `hold` with that name end."""
        (self.folder / f"release-{name}").touch()

    def until(
        self, ask: Callable[[], Answer | None], what: str, seconds: float | None = None
    ) -> Answer:
        """Ask until there is an answer; raises Broken after so many seconds of patience."""
        deadline = time.monotonic() + (seconds or self.subject.patience)
        while not (answer := ask()):
            if time.monotonic() > deadline:
                raise Broken(f"nothing came of waiting for {what}; {self.last_log_line()}")
            time.sleep(0.01)  # between two questions, not in place of one
        return answer

    def happens(self, ask: Callable[[], object], seconds: float) -> bool:
        """Whether it happens within that time."""
        try:
            self.until(ask, "", seconds)
        except Broken:
            return False
        return True

    def last_log_line(self) -> str:
        """The last line that a process wrote."""
        lines = (self.folder / "log").read_text("utf-8", "replace").splitlines()
        return f"the log's last line: {lines[-1]}" if lines else "nothing was logged"

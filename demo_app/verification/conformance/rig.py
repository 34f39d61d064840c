"""The real thing, small: a folder, a broker, a process that puts jobs in, a worker."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import redis

from demo_app.jobs.capabilities import Capabilities, Death, Priority
from demo_app.verification.conformance.probes import EVENTS

Answer = TypeVar("Answer")
Event = dict[str, Any]

#: Seconds that are given to what should not happen.
QUIET = 1.5


class Broken(AssertionError):
    """A promise was not kept; says what was promised, and what happened."""


class Refused(Broken):
    """Something was refused, which may be just what is looked for; `kind` is the exception's
    name."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


#: Seconds for the process that puts jobs in to answer, its start included.
ANSWER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Subject:
    """A backend to be held to its promises.

    make: ``module:callable``, which makes the backend of the settings. worker: the command that
    runs its jobs; none when they run in the process that puts them in. broker: starts the
    server that keeps the jobs in a folder, and returns its process and its URL.
    path: folders in which Python finds the module. patience: seconds after which something that
    should happen counts as not happening.
    """

    name: str
    make: str
    worker: tuple[str, ...] = ()
    broker: Callable[[Path], tuple[subprocess.Popen[bytes], str]] | None = None
    path: tuple[str, ...] = ()
    patience: float = 30.0


class Rig:
    """See the module. concurrency: how many jobs may run side by side."""

    def __init__(self, subject: Subject, concurrency: int = 1) -> None:
        self.subject, self._concurrency = subject, concurrency
        self._folder = tempfile.TemporaryDirectory(prefix="rig-")
        self.folder = Path(self._folder.name)
        self.redis_url = "redis://127.0.0.1:1/0"
        self._broker: subprocess.Popen[bytes] | None = None
        self._host: subprocess.Popen[bytes] | None = None
        self._worker: subprocess.Popen[bytes] | None = None
        self._log = (self.folder / "log").open("ab")

    def __enter__(self) -> Rig:
        try:
            self.start_broker()
            self.start_host()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything that was started."""
        for process in (self._host, self._worker, self._broker):
            if process is not None:
                _kill(process)
        self._log.close()
        self._folder.cleanup()

    # what can be started and killed

    def start_broker(self) -> None:
        """Start the broker, if there is one, with the data that it had."""
        if self.subject.broker is not None:
            self._broker, self.redis_url = self.subject.broker(self.folder)

    def start_host(self) -> None:
        """Start the process that puts jobs in; returns when it answers."""
        module = "demo_app.verification.conformance.host"
        self._host = self._start(
            [sys.executable, "-m", module, self.subject.make],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        told = self.ask("describe")
        self.in_request: bool = told.pop("in_request")
        survives = frozenset(map(Death, told.pop("survives")))
        priority = Priority(told.pop("priority"))
        self.capabilities = Capabilities(priority=priority, survives=survives, **told)

    def start_worker(self) -> None:
        """Start a worker, if the backend has any."""
        if self.subject.worker:
            self._worker = self._start(list(self.subject.worker), stdin=subprocess.DEVNULL)

    def keep_worker_alive(self) -> None:
        """Start another worker when the one that there was has ended, as a supervisor does."""
        if self._worker is not None and self._worker.poll() is not None:
            self.start_worker()

    def kill_host(self) -> None:
        """SIGKILL to the process that puts jobs in."""
        assert self._host is not None
        _kill(self._host)

    def signal_worker(self, number: signal.Signals) -> None:
        """Send a signal to the worker and all that it started."""
        assert self._worker is not None
        os.killpg(self._worker.pid, number)
        if number is signal.SIGKILL:
            self._worker.wait()

    def wait_for_worker(self, seconds: float) -> bool:
        """Wait for the worker's end; False when it still runs then."""
        assert self._worker is not None
        try:
            self._worker.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill_broker(self) -> None:
        """SIGKILL to the broker."""
        assert self._broker is not None
        _kill(self._broker)

    def wait_until_idle(self) -> None:
        """Wait until a worker waits for its next job at the broker, where that can be seen."""
        if self.subject.broker is not None:
            client = redis.Redis.from_url(self.redis_url.replace("redis+socket", "unix"))
            self.until(lambda: client.info("clients")["blocked_clients"] > 0, "an idle worker")
            client.close()

    # what can be asked

    def tell(self, do: str, **what: Any) -> None:
        """Ask for something, and don't wait for the answer."""
        assert self._host is not None
        assert self._host.stdin is not None
        self._host.stdin.write(json.dumps({"do": do, **what}).encode() + b"\n")
        self._host.stdin.flush()

    def ask(self, do: str, **what: Any) -> Any:
        """Ask for something.

        Raises Refused when that raises there, and Broken when no answer comes.
        """
        self.tell(do, **what)
        if not self.has_answered(ANSWER_SECONDS):
            raise Broken(f"no answer to {do!r} within {ANSWER_SECONDS:.0f} s")
        return self.answer()

    def has_answered(self, seconds: float) -> bool:
        """Whether there is an answer within that time."""
        assert self._host is not None
        assert self._host.stdout is not None
        return bool(select.select([self._host.stdout], [], [], seconds)[0])

    def answer(self) -> Any:
        """The answer to what was asked for; raises Refused when that raised there."""
        assert self._host is not None
        assert self._host.stdout is not None
        line = self._host.stdout.readline()
        if not line:
            raise Broken(f"the process that puts jobs in ended: {self.last_words()}")
        told = json.loads(line)
        if "error" in told:
            raise Refused(told["error"], told["message"])
        return told["answer"]

    def put_beside_stopped_worker(self, task: str, **arguments: Any) -> str:
        """Put one job in while the worker is stopped; returns its id.

        A worker of a table may have been stopped in the middle of a transaction, and nobody can
        put anything in before that has ended.
        """
        wanted = {"task": task, "using": {}, "arguments": arguments}
        self.tell("enqueue", jobs=[wanted])
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
        told: dict[str, Any] = self.ask("find", id=job_id)
        return told

    def finished(self, job_id: str) -> dict[str, Any]:
        """What the backend knows of the job, after it has ended."""
        return self.until(lambda: self._if_finished(job_id), f"the end of the job {job_id}")

    def _if_finished(self, job_id: str) -> dict[str, Any] | None:
        told = self.find(job_id)
        return told if told["status"] in ("SUCCESSFUL", "FAILED") else None

    def events(self, event: str = "", **details: Any) -> list[Event]:
        """What the jobs wrote down, oldest first: of one kind, with these details."""
        path = self.folder / EVENTS
        written = path.read_bytes() if path.exists() else b""
        lines = written[: written.rfind(b"\n") + 1].splitlines()  # a long line may be half there
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
                raise Broken(f"waited in vain for {what}; {self.last_words()}")
            time.sleep(0.01)  # between two questions, not in place of one
        return answer

    def happens(self, ask: Callable[[], object], seconds: float) -> bool:
        """Whether it happens within that time."""
        try:
            self.until(ask, "", seconds)
        except Broken:
            return False
        return True

    def last_words(self) -> str:
        """The last line that a process wrote."""
        lines = (self.folder / "log").read_text("utf-8", "replace").splitlines()
        return f"the log's last line: {lines[-1]}" if lines else "nothing was logged"

    def _start(self, command: list[str], **streams: Any) -> subprocess.Popen[bytes]:
        own = {key: value for key, value in os.environ.items() if not key.startswith("DEMO_")}
        told = {
            "DEMO_DIR": str(self.folder),
            "DEMO_REDIS_URL": self.redis_url,
            "DEMO_CONCURRENCY": str(self._concurrency),
            "DEMO_TASKS": "demo_app.verification.conformance.probes",
            "DEMO_LEASE_SECONDS": "1.0",
            "DEMO_BEAT_SECONDS": "0.2",
            "PYTHONPATH": os.pathsep.join([*self.subject.path, own.get("PYTHONPATH", "")]),
            "PYTHONWARNINGS": "ignore",
        }
        options: dict[str, Any] = {"stdout": self._log, "stderr": self._log, **streams}
        environment = {**own, **told}
        return subprocess.Popen(command, env=environment, start_new_session=True, **options)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()

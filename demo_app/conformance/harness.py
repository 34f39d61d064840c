"""The harness of a check: a stack, a process that enqueues jobs, and the events of the jobs."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from demo_app.broker.connection import connect
from demo_app.conformance.host import Host
from demo_app.conformance.sample_tasks import EVENTS
from demo_app.jobs import Job, TaskResult
from demo_app.rig.polling import until
from demo_app.rig.process import Process
from demo_app.stack import Stack
from demo_app.stack.supervisor import PATIENCE

Answer = TypeVar("Answer")
Event = dict[str, Any]

#: Seconds to wait for an event that must not happen.
NEVER = 1.5
_SAMPLE_TASKS = "demo_app.conformance.sample_tasks"


class Broken(AssertionError):
    """A promise was not kept. The message describes the problem."""


def read_events(path: Path) -> list[Event]:
    """Return the events in a file, without a half-written last line; [] if there is no file."""
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith(b"\n")]


@contextmanager
def running_harness(
    backend: str, path: tuple[str, ...], patience: float = 30.0, **options: Any
) -> Iterator["Harness"]:
    """Start a stack without workers, and a process that enqueues jobs. Yield a harness for both.

    After the block, end all processes.

    Args:
        backend: the backend's name in the settings, or ``module:callable``.
        path: folders with the backend's modules. They are added to Python's path.
        patience: longest wait for an expected event (seconds).
        options: further options of the stack.
    """
    sys.path[:0] = [folder for folder in path if folder not in sys.path]
    python_path = os.pathsep.join([*path, os.environ.get("PYTHONPATH", "")])
    environment = {"DEMO_BEAT_SECONDS": "0.2", "PYTHONPATH": python_path}
    options = {"backend": backend, "tasks": _SAMPLE_TASKS, "lease": 1.0, **options}
    with Stack(autostart=False, environment=environment, **options) as stack:
        harness = Harness(stack, patience)
        try:
            harness.start_host()
            yield harness
        finally:
            harness.host.kill()
            stack.kill("worker", restart=False)


class Harness:
    """A stack and a process that enqueues jobs (`host`); see `running_harness`."""

    host: Process

    def __init__(self, stack: Stack, patience: float) -> None:
        self.stack, self.patience, self.folder = stack, patience, stack.plan.folder.path
        backend = stack.plan.backend()
        self.capabilities, self.in_request = backend.capabilities, backend.in_request
        self.has_worker = backend.worker_command() is not None
        if self.capabilities.in_redis:
            stack.start("redis")

    def start_host(self) -> None:
        log = self.stack.plan.folder.logs / "host.log"
        command = [sys.executable, "-m", "demo_app.conformance.host"]
        self.host = Process("host", command, self.stack.plan.environment(), log)
        self.host.wait_until(self._connect, PATIENCE, "The process that enqueues jobs")

    def _connect(self) -> bool:
        host: Any = Host(self.folder)
        try:
            host.connect()
        except OSError:
            return False
        self._backend = host.backend()
        # new threads open new connections: the old connections broke if the host was killed
        self._calls = ThreadPoolExecutor()
        return True

    def start_worker(self) -> None:
        if self.has_worker:
            self.stack.start("worker")

    def wait_until_idle(self) -> None:
        with closing(connect(self.stack.plan.redis_url)) as client:
            self.until(lambda: client.info("clients")["blocked_clients"], "an idle worker")

    def send(self, method: str, *arguments: Any) -> Future[Any]:
        return self._calls.submit(getattr(self._backend, method), *arguments)

    def put(self, *jobs: Job) -> list[str]:
        results = self.send("enqueue_many", list(jobs)).result(PATIENCE)
        return [result.id for result in results]

    def finished(self, job_id: str) -> TaskResult:
        def if_finished() -> TaskResult | None:
            result: TaskResult | None = self.send("find", job_id).result(PATIENCE)
            return result if result and result.is_finished else None

        return self.until(if_finished, f"the end of the job {job_id}")

    def events(self, event: str = "", **details: Any) -> list[Event]:
        """Return the jobs' events of a kind ("" for any) with these details, the oldest first."""
        details |= {"event": event} if event else {}
        found = read_events(self.folder / EVENTS)
        return [line for line in found if details.items() <= line.items()]

    def wait_for(self, event: str, times: int = 1, **details: Any) -> list[Event]:
        """Wait until `events` returns at least `times` events. Return them, or raise Broken."""
        return self.until(
            lambda: found if len(found := self.events(event, **details)) >= times else None,
            f"{event} {details or ''} {times} times",
        )

    def wait_until_all_ran(self, ids: Sequence[str]) -> list[Event]:
        """Wait until each job has run. Return the events of all runs, or raise Broken."""
        for job in ids:
            self.wait_for("ran", job=job)
        return [event for event in self.events("ran") if event["job"] in ids]

    def release(self, name: str) -> None:
        (self.folder / f"release-{name}").touch()

    def until(self, condition: Callable[[], Answer | None], what: str) -> Answer:
        """Call `condition` until its result is true, and return the result, or raise Broken."""
        if answer := until(condition, self.patience):
            return answer
        why = f"timed out after {self.patience:g} s while waiting for {what}; {self._last_line()}"
        raise Broken(why)

    def _last_line(self) -> str:
        logs = self.stack.plan.folder.logs.glob("*.log")
        newest = max(logs, key=lambda log: log.stat().st_mtime)
        lines = newest.read_text("utf-8", "replace").splitlines()
        return f"the last line of {newest.name}: {lines[-1]}" if lines else "nothing was logged"

"""The processes of one run of the suite: a broker, one that puts jobs in, and a worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

SAMPLE_TASKS = "demo_app.conformance.sample_tasks"


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


class Processes:
    """See the module. concurrency: how many jobs may run side by side."""

    broker: subprocess.Popen[bytes]
    host: subprocess.Popen[bytes]
    worker: subprocess.Popen[bytes]

    def __init__(self, subject: Subject, concurrency: int = 1) -> None:
        self.subject, self._concurrency = subject, concurrency
        self._folder = tempfile.TemporaryDirectory(prefix="conformance-")
        self.folder = Path(self._folder.name)
        self.redis_url = "redis://127.0.0.1:1/0"
        self._started: list[subprocess.Popen[bytes]] = []
        self._log = (self.folder / "log").open("ab")

    def __enter__(self) -> Self:
        try:
            self.start_broker()
            self.start_host()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End everything that was started."""
        for process in reversed(self._started):
            kill(process)
        self._log.close()
        self._folder.cleanup()

    # what can be started and killed

    def start_broker(self) -> None:
        """Start the broker, if there is one, with the data that it had."""
        if self.subject.broker is not None:
            self.broker, self.redis_url = self.subject.broker(self.folder)
            self._started.append(self.broker)

    def start_host(self) -> None:
        """Start the process that puts jobs in; returns when it answers."""
        module = "demo_app.conformance.host"
        self.host = self._start(
            [sys.executable, "-m", module, self.subject.make],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def start_worker(self) -> None:
        """Start a worker, if the backend has any."""
        if self.subject.worker:
            self.worker = self._start(list(self.subject.worker), stdin=subprocess.DEVNULL)

    def keep_worker_alive(self) -> None:
        """Start another worker when the one that there was has ended, as a supervisor does."""
        if self.subject.worker and self.worker.poll() is not None:
            self.start_worker()

    def signal_worker(self, number: signal.Signals) -> None:
        """Send a signal to the worker and all that it started."""
        os.killpg(self.worker.pid, number)
        if number is signal.SIGKILL:
            self.worker.wait()

    def _start(self, command: list[str], **streams: Any) -> subprocess.Popen[bytes]:
        own = {key: value for key, value in os.environ.items() if not key.startswith("DEMO_")}
        ours = {
            "DEMO_DIR": str(self.folder),
            "DEMO_REDIS_URL": self.redis_url,
            "DEMO_CONCURRENCY": str(self._concurrency),
            "DEMO_TASKS": SAMPLE_TASKS,
            "DEMO_LEASE_SECONDS": "1.0",
            "DEMO_BEAT_SECONDS": "0.2",
            "PYTHONPATH": os.pathsep.join([*self.subject.path, own.get("PYTHONPATH", "")]),
            "PYTHONWARNINGS": "ignore",
        }
        options: dict[str, Any] = {"stdout": self._log, "stderr": self._log, **streams}
        environment = {**own, **ours}
        started = subprocess.Popen(command, env=environment, start_new_session=True, **options)
        self._started.append(started)
        return started


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the process and all that it started; may be done twice."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()

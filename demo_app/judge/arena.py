"""Where a trial takes place: a server of its own, processes with a cable each, and their log."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from demo_app.judge.proxy import Proxy
from demo_app.judge.record import Event, Record
from demo_app.judge.role import EVENTS, Role
from demo_app.judge.target import Running, Target


@dataclass(frozen=True, slots=True)
class Part:
    """A process of the trial and its cable to the server."""

    role: Role
    running: Running
    cable: Proxy

    @property
    def who(self) -> str:
        """Its name."""
        return self.role.who


class Arena:
    """See the module. A context manager: afterwards nothing is left of it.

    stop: when it is set, no wait takes any longer.
    """

    def __init__(self, target: Target, stop: threading.Event) -> None:
        self._target, self.stop = target, stop
        self.folder = Path(tempfile.mkdtemp(prefix="judge-"))
        self.server = target.server(self.folder)
        self._log = Role("judge", str(self.folder), 0).log
        self._read, self._record = 0, Record([])
        self.parts: list[Part] = []

    def __enter__(self) -> Self:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        for part in self.parts:
            part.running.send(signal.SIGKILL)
            part.cable.end()
        self.server.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def worker(self, halt: str = "", nth: int = 1, **given: Any) -> Part:
        """Start a worker, whose name nobody had before. given: further fields of its role."""
        number = sum(not part.role.jobs for part in self.parts) + 1
        return self._start(f"w{number}", halt=halt, halt_nth=nth, **given)

    def producer(self, jobs: Sequence[str], halt: str = "", nth: int = 1) -> Part:
        """Start a process that puts the jobs in."""
        number = sum(bool(part.role.jobs) for part in self.parts) + 1
        return self._start(f"p{number}", jobs=tuple(jobs), halt=halt, halt_nth=nth)

    def note(self, event: str, **details: Any) -> None:
        """Write down what the judge does, or sees."""
        self._log(event, **details)

    def record(self) -> Record:
        """What was written down until now."""
        new: list[Event] = []
        with suppress(FileNotFoundError), (self.folder / EVENTS).open("rb") as file:
            file.seek(self._read)  # each line is read once: this is asked many times a second
            for line in file:
                if line.endswith(b"\n"):
                    new.append(json.loads(line))
                    self._read += len(line)
        if new:
            self._record = Record([*self._record.events, *new])
        return self._record

    def until(self, ask: Callable[[], object], seconds: float) -> bool:
        """Wait until it is so; False when it is not within that time."""
        deadline = time.monotonic() + seconds
        while not ask():
            if time.monotonic() > deadline or self.stop.is_set():
                return False
            time.sleep(0.03)  # between two questions
        return True

    def happened(self, who: str, *events: str) -> Event | None:
        """The first event of these that the process wrote down."""
        return next(
            (e for e in self.record().events if e["who"] == who and e["event"] in events), None
        )

    def _start(self, who: str, **given: Any) -> Part:
        end = socket.create_server(("127.0.0.1", 0))
        cable = Proxy({end: self.server.connect})
        role = Role(who, str(self.folder), end.getsockname()[1], **given)
        part = Part(role, self._target.start(role), cable)
        self.parts.append(part)
        return part

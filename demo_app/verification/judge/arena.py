"""Where a trial takes place: a server of its own, processes with a cable each, and their log."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis

from demo_app.stack import redis_server
from demo_app.verification.judge.record import Event, Record
from demo_app.verification.judge.role import EVENTS, Role
from demo_app.verification.judge.targets import Running, Target
from demo_app.verification.proxy import Proxy


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
        self._redis = self.folder / "redis"
        self._redis.mkdir()
        self._log = Role("judge", str(self.folder), 0).log
        self._server: subprocess.Popen[bytes] | None = None
        self._read, self._record = 0, Record([])
        self.parts: list[Part] = []

    def __enter__(self) -> Self:
        self.start_server()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for part in self.parts:
            part.running.send(signal.SIGKILL)
            part.cable.end()
        self.kill_server()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start_server(self) -> None:
        """Start the server on the data that it had."""
        self.kill_server()
        leash = self._target.leash
        self._server, self._url = redis_server.start(self._redis, env=leash.environment)
        leash.hold(self._server.pid)

    def kill_server(self) -> None:
        """SIGKILL to the server."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()

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

    def where(self, job: str) -> list[str]:
        """The keys in whose content the job's text is. An empty list: the job is nowhere."""
        text = re.compile(rf"{re.escape(job)}(?!\d)")
        path = self._url.partition("://")[2]
        client = redis.Redis(
            unix_socket_path=path,
            socket_timeout=2.0,
            decode_responses=True,
            encoding_errors="replace",  # some queues compress what they keep
        )
        with suppress(redis.RedisError):
            return sorted(key for key in client.scan_iter() if text.search(_content(client, key)))
        client.close()
        return ["? (the server is down)"]

    def _start(self, who: str, **given: Any) -> Part:
        end = socket.create_server(("127.0.0.1", 0))
        path = self._url.partition("://")[2]
        cable = Proxy({end: partial(asyncio.open_unix_connection, path)})
        role = Role(who, str(self.folder), end.getsockname()[1], **given)
        part = Part(role, self._target.start(role), cable)
        self.parts.append(part)
        return part


def _content(client: redis.Redis, key: str) -> str:
    """All that is in the key, as text."""
    kind = client.type(key)
    read: dict[Any, Callable[[], Any]] = {
        "string": lambda: client.get(key),
        "list": lambda: client.lrange(key, 0, -1),
        "set": lambda: client.smembers(key),
        "zset": lambda: client.zrange(key, 0, -1),
        # a job's counter does not keep the job
        "hash": lambda: [pair for pair in client.hgetall(key).items() if not pair[1].isdigit()],
        "stream": lambda: client.xrange(key),
    }
    return str(read[kind]() if kind in read else "")

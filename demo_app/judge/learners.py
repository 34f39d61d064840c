"""A learner's class as a target."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import psutil

from demo_app.judge.leash import Leash
from demo_app.judge.record import Say
from demo_app.judge.role import Role
from demo_app.judge.server import RedisServer, Server
from demo_app.judge.target import CannotJudge, Running


class Learners:
    """A learner's class; its processes are forks of one that has read the file.

    say: says why it can't be judged.
    """

    stepped = True

    def __init__(self, name: str, say: Say = str.format) -> None:
        self.name, self.leash, self._say = name, Leash(), say
        path, _, queue_class = name.rpartition(":")
        self._path = str(Path(path).resolve())
        self._host = subprocess.Popen(
            [sys.executable, "-m", "demo_app.judge.host",
             f"{self._path}:{queue_class}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True, 
            # each thread of glibc may reserve an arena of its own, which counts as memory
            env={**self.leash.environment, "MALLOC_ARENA_MAX": "2"},
        )  # fmt: skip
        self.leash.hold(self._host.pid)
        self._lock = threading.Lock()
        self._read(say("{name} can't be loaded", name=Path(name).name))
        threading.Thread(target=self._drain, daemon=True).start()

    def server(self, folder: Path) -> Server:
        """See `Target`."""
        return RedisServer(folder, self.leash)

    def start(self, role: Role) -> Running:
        """See `Target`."""
        assert self._host.stdin is not None
        with self._lock:
            self._host.stdin.write(role.to_json() + "\n")
            self._host.stdin.flush()
            pid = int(self._read(self._say("The process that starts the others ended")))

        def send(number: signal.Signals) -> None:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

        return Running(send, lambda: psutil.pid_exists(pid))

    def close(self) -> None:
        """See `Target`."""
        with suppress(ProcessLookupError):
            os.killpg(self._host.pid, signal.SIGKILL)
        self._host.wait()
        self.leash.end()
        for stream in (self._host.stdin, self._host.stdout):
            assert stream is not None
            with suppress(BrokenPipeError):
                stream.close()

    def _read(self, failure: str) -> str:
        assert self._host.stdout is not None
        line = self._host.stdout.readline()
        if not line:
            assert self._host.stderr is not None
            told = self._host.stderr.read().strip().splitlines()
            told = told or [self._say("no reason was given")]
            self.close()
            lines = re.findall(rf'"{re.escape(self._path)}", line (\d+)', "\n".join(told))
            given = {"failure": failure, "error": told[-1].rstrip("."), "line": "".join(lines[-1:])}
            where = "{failure}: {error}, at its line {line}." if lines else "{failure}: {error}."
            raise CannotJudge(self._say(where, **given))
        return line

    def _drain(self) -> None:
        """Read what the learner's code prints, so that it never waits for a reader."""
        assert self._host.stderr is not None
        for _ in self._host.stderr:
            pass
        self._host.stderr.close()

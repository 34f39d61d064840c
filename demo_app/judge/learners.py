"""A learner's class as a target."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import psutil

from demo_app.judge.record import Say
from demo_app.judge.role import Role
from demo_app.judge.target import CannotJudge, Running, Target
from demo_app.rig.process_group import ProcessGroup


class Learners(Target):
    """A learner's class; its processes are forks of two that have read the file: w1's of the
    one, w2's of the other, so that what a process makes up when it starts is not the same in all.

    say: says why it can't be judged.
    """

    stepped = True

    def __init__(self, name: str, say: Say = str.format) -> None:
        super().__init__(name)
        path, _, queue_class = name.rpartition(":")
        target = f"{Path(path).resolve()}:{queue_class}"
        self._hosts = [_Host(target, self.work, self.group, say) for _ in range(2)]
        try:
            told = [host.loaded() for host in self._hosts]
        except CannotJudge:
            self.close()
            raise
        self.has_where = bool(told[0]["where"])

    def start(self, role: Role) -> Running:
        """See `Target`."""
        number = int(re.sub(r"\D", "", role.who) or 0)
        return self._hosts[number % 2].start(role)

    def close(self) -> None:
        """See `Target`."""
        super().close()
        for host in self._hosts:
            host.close()


class _Host:
    """A process that has read the file; see `host`."""

    def __init__(self, target: str, work: Path, group: ProcessGroup, say: Say) -> None:
        self._path, self._say = Path(target.rpartition(":")[0]), say
        self._called = f"{self._path.name}:{target.rpartition(':')[2]}"
        self._log = os.fdopen(tempfile.mkstemp(dir=group.folder)[0], "rb")
        self._process = group.start(
            [sys.executable, "-P", "-m", "demo_app.judge.host", target, str(work)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            text=True, errors="replace",
        )  # fmt: skip
        self._lock = threading.Lock()

    def loaded(self) -> dict[str, object]:
        """What it says of the class, once it has read it. Raises CannotJudge."""
        failure = self._say("{name} can't be loaded", name=self._called)
        return dict(json.loads(self._read(failure)))

    def start(self, role: Role) -> Running:
        """A fork that plays the role."""
        assert self._process.stdin is not None
        with self._lock:
            with suppress(BrokenPipeError):
                print(role.to_json(), file=self._process.stdin, flush=True)
            told = self._read(self._say("The process that starts the others ended"))
        try:
            return Running(psutil.Process(int(told)))
        except psutil.NoSuchProcess:
            return Running(None)

    def close(self) -> None:
        """Close the streams."""
        for stream in (self._log, self._process.stdin, self._process.stdout):
            assert stream is not None
            with suppress(BrokenPipeError):
                stream.close()

    def _read(self, failure: str) -> str:
        assert self._process.stdout is not None
        if line := str(self._process.stdout.readline()):
            return line
        said = os.pread(self._log.fileno(), 100_000, 0).decode("utf-8", "replace")
        told = [line for line in said.splitlines() if line.strip()] or [
            self._say("no reason was given")
        ]
        lines = re.findall(rf'"{re.escape(str(self._path))}", line (\d+)', "\n".join(told))
        given = {"failure": failure, "error": told[-1].rstrip("."), "line": "".join(lines[-1:])}
        where = "{failure}: {error}, at its line {line}." if lines else "{failure}: {error}."
        raise CannotJudge(self._say(where, **given))

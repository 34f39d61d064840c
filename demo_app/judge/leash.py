"""Ends all that a judge started and removes its folder, also when the judge itself is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from demo_app.stack.reaper import MARKER, ReaperClient, reap


class Leash:
    """See the module. environment: for each process to be started; by its mark it is found.

    folder: where only this user can look around, with a path that is short enough for sockets.
    """

    def __init__(self) -> None:
        self._mark = uuid.uuid4().hex
        root = tempfile.gettempdir() if len(tempfile.gettempdir()) < 36 else "/tmp"
        self.folder = Path(tempfile.mkdtemp(prefix="judge-", dir=root))
        self.folder.chmod(0o711)
        self._reaper = ReaperClient(self._mark, [self.folder])
        kept = {name: text for name, text in os.environ.items() if not name.startswith("DEMO_")}
        self.environment = {**kept, MARKER: self._mark, "C_FORCE_ROOT": "1"}

    def start(
        self, command: Sequence[str | Path], env: Mapping[str, str] | None = None, **given: Any
    ) -> subprocess.Popen[Any]:
        """Start a process, in a group of its own. env: beside `environment`. given: see
        `subprocess.Popen`."""
        environment = {**self.environment, **(env or {})}
        child = subprocess.Popen(command, env=environment, start_new_session=True, **given)
        self.hold(child.pid)
        return child

    def hold(self, pid: int) -> None:
        """A process was started, in a group of its own."""
        self._reaper.add(pid)

    def end(self) -> None:
        """End all that there is; may be called twice."""
        reap(self._mark)
        self._reaper.close(5.0)
        shutil.rmtree(self.folder, ignore_errors=True)


def send_to_all(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process and to all that it started, whatever their groups are. Before a
    SIGKILL all stop, so that none sees another one's end."""
    if number is signal.SIGKILL:
        send_to_all(pid, signal.SIGSTOP)
    with suppress(psutil.NoSuchProcess):
        started = psutil.Process(pid).children(recursive=True)
        for one in [pid, *(child.pid for child in started)]:
            with suppress(ProcessLookupError):
                os.kill(one, number)

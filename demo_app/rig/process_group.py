"""Processes that share a folder and all end together, even if their parent is killed."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from demo_app.rig.reaper import MARKER, ReaperClient, reap


def short_root() -> str:
    """Return the folder for temporary folders with sockets, whose paths must be short."""
    return tempfile.gettempdir() if len(tempfile.gettempdir()) < 36 else "/tmp"


class ProcessGroup:
    """Processes that end with the block of this context manager, or with this process.

    Attributes:
        environment: the environment of each process, with a mark that identifies the group.
        folder: a folder that only this user can list, with a path short enough for sockets.
    """

    def __init__(self) -> None:
        self._mark = uuid.uuid4().hex
        self._children: list[subprocess.Popen[Any]] = []
        self.folder = Path(tempfile.mkdtemp(prefix="rig-", dir=short_root()))
        self.folder.chmod(0o711)
        self._reaper = ReaperClient(self._mark, [self.folder])
        kept = {name: text for name, text in os.environ.items() if not name.startswith("DEMO_")}
        self.environment = {**kept, MARKER: self._mark, "C_FORCE_ROOT": "1"}

    def start(
        self,
        command: Sequence[str | Path],
        env: Mapping[str, str] | None = None,
        **popen_options: Any,
    ) -> subprocess.Popen[Any]:
        """Start a process in its own session.

        Args:
            env: variables in addition to `environment`.
        """
        environment = {**self.environment, **(env or {})}
        child = subprocess.Popen(command, env=environment, start_new_session=True, **popen_options)
        self._children.append(child)
        self.add(child.pid)
        return child

    def add(self, pid: int) -> None:
        """Register a process for the reaper. The process must lead its own session."""
        self._reaper.add(pid)

    def end(self) -> None:
        """Kill every process and remove the folder. A second call does nothing."""
        # the mark also finds descendants in other process groups
        reap(self._mark, [child.pid for child in self._children if child.poll() is None])
        for child in self._children:
            child.wait()
        self._reaper.close(5.0)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

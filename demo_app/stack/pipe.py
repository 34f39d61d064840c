"""The supervisor's end of the pipe to the reaper: it is told of every process."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from demo_app.stack import reaper


class Pipe:
    """Starts the reaper, and a new one when it was killed. Safe to use from every thread.

    stack_id: the mark that every process bears; sockets: what the reaper removes.
    """

    def __init__(self, stack_id: str, sockets: Iterable[Path]) -> None:
        self._words = [stack_id, *(str(path) for path in sockets)]
        self._pids: set[int] = set()
        self._lock = threading.Lock()
        self._reaper = self._start()

    def began(self, pid: int) -> None:
        """A process was started, in a group of its own."""
        with self._lock:
            self._pids.add(pid)
            self._tell(f"+{pid}")

    def ended(self, pid: int) -> None:
        """A process has ended."""
        with self._lock:
            self._pids.discard(pid)
            self._tell(f"-{pid}")

    def close(self, seconds: float) -> None:
        """Everything has ended: the reaper may go, within so many seconds."""
        with self._lock, suppress(OSError, ValueError):
            self._say("bye")
        with suppress(subprocess.TimeoutExpired):
            self._reaper.wait(seconds)
        assert self._reaper.stdin is not None
        with suppress(OSError):
            self._reaper.stdin.close()

    def _tell(self, word: str) -> None:
        words = [word]
        if self._reaper.poll() is not None:  # killed; a new one has to know of everything
            self._reaper = self._start()
            words = [f"+{pid}" for pid in self._pids]
        with suppress(OSError, ValueError):
            self._say(*words)

    def _say(self, *words: str) -> None:
        assert self._reaper.stdin is not None
        self._reaper.stdin.writelines(f"{word}\n" for word in words)
        self._reaper.stdin.flush()

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-E", reaper.__file__, *self._words],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )

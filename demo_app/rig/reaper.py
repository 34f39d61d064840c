"""Ends the stack's processes when their supervisor is killed.

A process that is killed with SIGKILL can't clean up. So the supervisor holds one end of a pipe
(`ReaperClient`) and a process of its own the other (`main`): when the pipe closes without a "bye",
everything that the supervisor had started is killed, and its sockets are removed, or the folders of
a judge. A stack's data stay: they may hold accepted comments. The reaper needs nothing but the
standard library.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

#: Every process of a stack has this in its environment, with the stack's id.
MARKER = "DEMO_STACK_ID"
#: And its role, as the stack knows it.
ROLE = "DEMO_ROLE"
#: Seconds after the supervisor's death in which a process may appear that it was just starting.
LATE_STARTS = 1.0


def main() -> None:
    """Read ``+pid`` and ``-pid`` lines from standard input until it closes or says ``bye``."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    pids: set[int] = set()
    for line in sys.stdin:
        word = line.strip()
        if word == "bye":
            return
        if word.startswith("+"):
            pids.add(int(word[1:]))
        elif word.startswith("-"):
            pids.discard(int(word[1:]))
    folders = [path for path in sys.argv[3:] if Path(path).is_dir()]
    for socket in sys.argv[3:]:  # first: once all is dead, the next stack makes new ones here
        with suppress(OSError):
            Path(socket).unlink()
    reap(sys.argv[1], pids, seconds=LATE_STARTS, marker=sys.argv[2])
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def reap(
    stack_id: str, pids: Iterable[int] = (), *, seconds: float = 0.0, marker: str = MARKER
) -> None:
    """Kill these process groups, and then whatever has the stack's mark, until nothing is left.

    seconds: how long to go on looking when nothing is found. marker: the variable with the mark.
    """
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    end = time.monotonic() + seconds
    while (found := _marked(f"{marker}={stack_id}")) or time.monotonic() < end:
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)  # between two looks


def _marked(mark: str) -> set[int]:
    """Return the processes that have NAME=value in their environment (Linux only)."""
    found, wanted = set(), mark.encode()
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            pid = int(entry.parent.name)
            ours = pid != os.getpid() and wanted in entry.read_bytes().split(b"\0")
            if ours and not _reaps(pid):
                found.add(pid)
    return found


def _reaps(pid: int) -> bool:
    """Return True for another reaper, which ends after its own work."""
    return __file__.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


class ReaperClient:
    """The supervisor's end of the pipe. Starts the reaper.

    stack_id: the mark of every process, in the variable `marker`; paths: the sockets and folders
    that it removes. Safe to use from every thread.
    """

    def __init__(self, stack_id: str, paths: Iterable[Path] = (), marker: str = MARKER) -> None:
        self._lock = threading.Lock()
        # it outlives whatever stack started this one, or nobody would end what is in here
        environment = {name: text for name, text in os.environ.items() if name != MARKER}
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, stack_id, marker, *map(str, paths)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
            text=True,
        )

    @property
    def pid(self) -> int:
        """The reaper's process id."""
        return self._reaper.pid

    def add(self, pid: int) -> None:
        """A process was started, in a group of its own."""
        self._tell(f"+{pid}")

    def remove(self, pid: int) -> None:
        """A process has ended."""
        self._tell(f"-{pid}")

    def close(self, seconds: float) -> None:
        """Everything has ended: the reaper may go, within so many seconds."""
        self._tell("bye")
        with suppress(subprocess.TimeoutExpired):
            self._reaper.wait(seconds)
        assert self._reaper.stdin is not None
        with suppress(OSError):
            self._reaper.stdin.close()

    def _tell(self, line: str) -> None:
        assert self._reaper.stdin is not None
        with self._lock, suppress(OSError, ValueError):  # it was killed; see `Folder.take_over`
            self._reaper.stdin.write(f"{line}\n")
            self._reaper.stdin.flush()


if __name__ == "__main__":
    main()

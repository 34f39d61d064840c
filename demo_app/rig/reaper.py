"""The reaper: a process that kills the processes of a stack if their supervisor was killed.

A supervisor that gets SIGKILL cannot clean up. So it holds one end of a pipe (`ReaperClient`), and
the reaper holds the other end (`main`). If the pipe closes without a "bye", the reaper kills all
processes that the supervisor has started, and removes their sockets and temporary folders. The
data of a stack stay, since they may contain accepted comments. This file needs only the standard
library.
"""

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

#: The variable with the stack's id, in the environment of every process.
MARKER = "DEMO_STACK_ID"
#: The variable with the process's role.
ROLE = "DEMO_ROLE"
#: A process that was being started may appear this many seconds after the supervisor's death.
LATE_STARTS = 1.0


def main() -> None:
    """Read ``+pid`` and ``-pid`` from standard input, and return after the line ``bye``.

    If the input ends without ``bye``, kill the processes of the stack and remove the paths.
    """
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
    # remove the sockets before the kills: after the kills, the next stack may create new ones
    for socket in sys.argv[3:]:
        with suppress(OSError):
            Path(socket).unlink()
    reap(sys.argv[1], pids, seconds=LATE_STARTS, marker=sys.argv[2])
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def reap(
    stack_id: str, pids: Iterable[int] = (), *, seconds: float = 0.0, marker: str = MARKER
) -> None:
    """Kill these process groups, and then every process with the stack's mark (only on Linux).

    Return when no process with the mark is left.

    Args:
        stack_id: the mark.
        pids: leaders of process groups.
        seconds: minimum duration of the search, for processes that appear late.
        marker: the environment variable with the mark.
    """
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    end = time.monotonic() + seconds
    while (found := _marked(f"{marker}={stack_id}")) or time.monotonic() < end:
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _marked(mark: str) -> set[int]:
    """Return the pids of all processes with the mark, except this one and reapers (Linux only).

    Args:
        mark: ``NAME=value``, a variable in a process's environment.
    """
    found, expected, reaper = set(), mark.encode(), __file__.encode()
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            pid = int(entry.parent.name)
            ours = pid != os.getpid() and expected in entry.read_bytes().split(b"\0")
            # do not kill other reapers: they end by themselves
            if ours and reaper not in entry.with_name("cmdline").read_bytes().split(b"\0"):
                found.add(pid)
    return found


class ReaperClient:
    """The supervisor's end of the pipe to the reaper. The constructor starts the reaper.

    Safe to use from every thread.

    Args:
        stack_id: the mark of every process.
        paths: sockets and folders for the reaper to remove.
        marker: the environment variable with the mark.
    """

    def __init__(self, stack_id: str, paths: Iterable[Path] = (), marker: str = MARKER) -> None:
        self._lock = threading.Lock()
        # remove the mark of an outer stack, so that the outer stack's reaper does not kill this one
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
        return self._reaper.pid

    def add(self, pid: int) -> None:
        """Register a process group for the reaper to kill.

        Args:
            pid: process ID of the group's leader.
        """
        self._send(f"+{pid}")

    def remove(self, pid: int) -> None:
        self._send(f"-{pid}")

    def close(self, seconds: float) -> None:
        """Let the reaper exit without kills, and wait at most `seconds` for its exit.

        Call this after the end of every process.
        """
        self._send("bye")
        with suppress(subprocess.TimeoutExpired):
            self._reaper.wait(seconds)
        assert self._reaper.stdin is not None
        with suppress(OSError):
            self._reaper.stdin.close()

    def _send(self, line: str) -> None:
        assert self._reaper.stdin is not None
        # the reaper may have been killed; see `Folder.take_over`
        with self._lock, suppress(OSError, ValueError):
            self._reaper.stdin.write(f"{line}\n")
            self._reaper.stdin.flush()


if __name__ == "__main__":
    main()

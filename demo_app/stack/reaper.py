"""Ends the stack's processes when their supervisor is killed.

A process that is killed with SIGKILL can't clean up. So the supervisor holds one end of a pipe
and this process the other: when the pipe closes without a goodbye, everything that the supervisor
had started is killed, and its sockets are removed. The data stay: they may hold accepted comments.
It runs alone, with nothing but the standard library.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

MARKER = "DEMO_STACK_ID"


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
    reap(sys.argv[1], pids)
    for socket in sys.argv[2:]:
        Path(socket).unlink(missing_ok=True)


def reap(stack_id: str, pids: Iterable[int] = ()) -> None:
    """Kill these process groups, and whatever else belongs to the stack."""
    for pid in {*pids, *_marked(stack_id)}:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def _marked(stack_id: str) -> set[int]:
    """Processes of the stack that were started but not yet told of (Linux only)."""
    found = set()
    wanted = f"{MARKER}={stack_id}".encode()
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            pid = int(entry.parent.name)
            if pid != os.getpid() and wanted in entry.read_bytes().split(b"\0"):
                found.add(os.getpgid(pid))
    return found


if __name__ == "__main__":
    main()

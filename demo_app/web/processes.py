"""The processes of this stack on this machine: whether a worker's still lives, and signals to it.

A worker says its pid and host in Redis. A pid alone proves nothing: the process may be gone and
its number given to a stranger. So a signal goes only to a process that belongs to this stack.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

_HOST = socket.gethostname()
#: What the supervisor puts into the environment of every process of one stack.
_MARKER = "DEMO_STACK_ID"


def is_here(host: str) -> bool:
    """Whether a process on that host runs on this machine."""
    return host == _HOST


def lives(pid: int) -> bool:
    """Whether a process of that number runs (one that ended and was not waited for does not)."""
    if pid <= 1:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with suppress(OSError):  # the letter after the name in parentheses: proc_pid_stat(5)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return True


def is_ours(pid: int, kind: str) -> bool:
    """Whether the process belongs to this stack and is what it claims to be.

    kind: a word of its command line, "celery" or "redis".
    """
    if pid <= 1 or not lives(pid):
        return False
    ours = os.environ.get(_MARKER)
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("latin-1")
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        belongs = bool(ours) and f"{_MARKER}={ours}".encode() in environment
    except FileNotFoundError:  # no /proc, as on macOS: ps shows the environment with `e`
        told = subprocess.run(
            ["ps", "eww", "-o", "command=", "-p", str(pid)],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        command, belongs = told, bool(ours) and f"{_MARKER}={ours}" in told.split()
    except OSError:
        return False
    return belongs and (kind in command or (kind == "redis" and "valkey" in command))


def send(pid: int, kind: str, number: signal.Signals) -> bool:
    """Send a signal to a process of this stack; False when it is none, or is gone."""
    if not is_ours(pid, kind):
        return False
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
        return True
    return False

"""The processes of this stack on this machine: whether a worker's still lives, and signals to it.

A worker says its pid and host in Redis. A pid alone proves nothing: the process may be gone and
its number given to a stranger. So a signal goes only to a process that belongs to this stack.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from demo_app.broker.connection import client_url
from demo_app.settings import settings

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


def is_our_worker(pid: int) -> bool:
    """Whether the process is a worker that this stack started: its environment bears the mark."""
    mark = os.environ.get(_MARKER)
    if not mark or not lives(pid):
        return False
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().decode("latin-1").split("\0")
    except FileNotFoundError:  # no /proc, as on macOS: ps shows the environment with `e`
        environment = _ps(pid, "eww").split()
    except OSError:
        return False
    return f"{_MARKER}={mark}" in environment and "celery" in _command(pid)


def is_our_redis(pid: int) -> bool:
    """Whether the process is the Redis server that this stack started.

    The socket at which it listens stands on its command line. One that listens elsewhere, an
    external one above all, is none of ours.
    """
    socket_path = client_url(settings().redis_url).removeprefix("unix://").partition("?")[0]
    folder = Path(socket_path).parent
    own = folder == settings().dir / "redis" or folder.name.startswith("demo-redis-")
    return own and lives(pid) and socket_path in _command(pid).split()


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("latin-1")
    except FileNotFoundError:
        return _ps(pid, "ww")
    except OSError:
        return ""


def _ps(pid: int, options: str) -> str:
    command = ["ps", options, "-o", "command=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def send(pid: int, is_ours: Callable[[int], bool], number: signal.Signals) -> bool:
    """Send a signal to a process, if it is ours by that test; False when it is not, or is gone."""
    if not is_ours(pid):
        return False
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
        return True
    return False

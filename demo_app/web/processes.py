"""The processes of this stack on this machine: whether a worker's still lives, and signals to it.

A worker says its pid and host in Redis. A pid alone proves nothing: the process may be gone and
its number given to a stranger. So a signal goes only to a process that belongs to this stack.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from demo_app.settings import settings

_HOST = socket.gethostname()
#: What the supervisor puts into the environment of every process of one stack.
_MARKER = "DEMO_STACK_ID"
_GONE = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


def is_here(host: str) -> bool:
    """Whether a process on that host runs on this machine."""
    return host == _HOST


def lives(pid: int) -> bool:
    """Whether a process of that number runs (one that ended and was not waited for does not)."""
    try:
        return pid > 1 and psutil.Process(pid).status() not in _GONE
    except psutil.NoSuchProcess:
        return False


def is_our_worker(pid: int) -> bool:
    """Whether the process is a worker that this stack started, by the mark in its environment."""
    mark = os.environ.get(_MARKER)
    try:
        process = psutil.Process(pid)
        marked = bool(mark) and process.environ().get(_MARKER) == mark
        return marked and lives(pid) and "demo_app.worker" in process.cmdline()
    except (psutil.Error, ValueError):  # gone, or another user's, or no number of a process
        return False


def is_our_redis(pid: int) -> bool:
    """Whether the process is the Redis server that this stack started.

    The socket at which it listens is on its command line. One that listens elsewhere, an
    external one above all, is none of ours.
    """
    scheme, _, place = settings().redis_url.partition("://")
    if scheme != "redis+socket":
        return False
    socket_path = place.partition("?")[0]
    folder = Path(socket_path).parent
    own = folder == settings().dir / "redis" or folder.name.startswith("demo-redis-")
    try:
        words = " ".join(psutil.Process(pid).cmdline()).split()
    except (psutil.Error, ValueError):
        return False
    return own and lives(pid) and {"--unixsocket", socket_path} <= set(words)


def send(pid: int, is_ours: Callable[[int], bool], number: signal.Signals) -> bool:
    """Send a signal to a process, if it is ours by that test; False when it is not, or is gone."""
    if not is_ours(pid):
        return False
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
        return True
    return False

"""The processes of this stack on this machine: whether a worker's still lives, and signals to it.

A worker says its pid and host in Redis. A pid alone proves nothing: the process may be gone and
its number given to a stranger. So a signal goes only to a process that belongs to this stack.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import psutil

from demo_app.rig.process import is_alive
from demo_app.rig.reaper import MARKER


def is_our_worker(pid: int) -> bool:
    """Whether the process is a worker that this stack started."""
    return is_ours(pid, "demo_app.worker")


def is_ours(pid: int, word: str) -> bool:
    """Whether it has the mark of this stack in its environment, and the word on its command
    line."""
    mark = os.environ.get(MARKER)
    try:
        process = psutil.Process(pid)
        marked = bool(mark) and process.environ().get(MARKER) == mark
        return marked and is_alive(pid) and word in process.cmdline()
    except (psutil.Error, ValueError):  # gone, or another user's, or no number of a process
        return False


def send(pid: int, number: signal.Signals) -> bool:
    """Send a signal to a worker of this stack; False when the process is none, or is gone."""
    with suppress(ProcessLookupError, PermissionError):
        if is_our_worker(pid):
            os.kill(pid, number)
            return True
    return False

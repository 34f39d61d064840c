"""The processes of this stack on this machine: which of them are workers, and signals to them.

A worker says its pid and host in Redis. A pid alone proves nothing: the process may be gone and
its number given to a stranger. So a signal goes only to a process that belongs to this stack.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import psutil

from demo_app.rig.process import role_of
from demo_app.rig.reaper import MARKER


def with_role(*wanted: str) -> list[int]:
    """Return the pids of this stack's living processes with one of these roles."""
    mark = os.environ.get(MARKER, "")
    return [pid for pid in psutil.pids() if role_of(pid, mark) in wanted]


def is_our_worker(pid: int) -> bool:
    """Return True if the process is a worker that this stack started."""
    return role_of(pid, os.environ.get(MARKER, "")) in ("worker", "stock")


def send(pid: int, number: signal.Signals) -> bool:
    """Send a signal to a worker of this stack; False when the process is none, or is gone."""
    with suppress(ProcessLookupError, PermissionError):
        if is_our_worker(pid):
            os.kill(pid, number)
            return True
    return False

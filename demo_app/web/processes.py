"""The processes of this stack on this machine, and signals to its workers.

A worker stores its pid and host in Redis. That process may have ended, and its pid may be reused:
signals are sent only to processes of this stack.
"""

import os
import signal

import psutil

from demo_app.rig.process import role_of, send_to_all
from demo_app.rig.reaper import MARKER


def with_role(*roles: str) -> list[int]:
    """Return the pids of this stack's processes with one of these roles, without their children."""
    mark = os.environ.get(MARKER, "")
    found = {one.pid: one for one in psutil.process_iter() if role_of(one.pid, mark) in roles}
    return [pid for pid, process in found.items() if process.ppid() not in found]


def is_our_worker(pid: int) -> bool:
    return role_of(pid, os.environ.get(MARKER, "")) in ("worker", "stock")


def send(pid: int, number: signal.Signals) -> bool:
    """Send a signal to a worker of this stack and its children. Return False for other pids."""
    if found := is_our_worker(pid):
        send_to_all(pid, number)
    return found

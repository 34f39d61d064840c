"""Queues that people use, as they are: a module each, which is a producer or a worker.

The `main` of each plays the role that is in its environment. Each has the settings that its own
documentation recommends for jobs that must not be lost.
"""

from __future__ import annotations

import signal
from collections.abc import Callable

from demo_app.verification.judge.role import Role, put_all


def produce(role: Role, put: Callable[[str], object]) -> None:
    """Put the role's jobs in, and stay."""
    put_all(role, put)
    signal.pause()

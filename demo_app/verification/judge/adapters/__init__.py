"""Queues that people use, as they are: a module each, which is a producer or a worker.

The `main` of each plays the role that is in its environment. Each has the settings that its own
documentation recommends for jobs that must not be lost.
"""

from __future__ import annotations

import signal
from collections.abc import Callable

from demo_app.verification.judge.role import Role


def produce(role: Role, put: Callable[[str], object]) -> None:
    """Put the role's jobs in, one after the other, and say how each went."""
    for job in role.jobs:
        role.passes("put:begin")
        role.log("putting", job=job)
        try:
            put(job)
        except Exception as error:  # whatever it is: the job was not taken
            role.log("refused", job=job, error=f"{type(error).__name__}: {error}"[:200])
        else:
            role.log("put", job=job)
        role.passes("put:end")
    role.log("finished")
    signal.pause()

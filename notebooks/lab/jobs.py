"""Small jobs for experiments, run by the lab's workers."""

from __future__ import annotations

import os
import signal
import time

from demo_app.jobs import retry_on, task


@task
def work(name: str, seconds: float = 0.0) -> str:
    """Work for so long; returns its name."""
    time.sleep(seconds)
    return name


@task
@retry_on(ConnectionError, first=1.0, jitter=0.0)
def call_in_step(until: float) -> None:
    """Call a service that is down until then (epoch seconds); tries again after fixed waits."""
    _call(until)


@task
@retry_on(ConnectionError, first=1.0, jitter=0.5)
def call_with_jitter(until: float) -> None:
    """The same, with a part of each wait left to chance."""
    _call(until)


@task
def poison() -> None:
    """A job that takes its worker down with it, as a bug in a C library may."""
    os.kill(os.getpid(), signal.SIGKILL)


def _call(until: float) -> None:
    if time.time() < until:
        raise ConnectionError("the service is down")

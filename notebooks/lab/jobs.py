"""Small jobs for experiments. The lab's workers run them."""

from __future__ import annotations

import os
import signal
import time

from demo_app.jobs import retry_on, task


@task
def work(name: str, seconds: float = 0.0) -> str:
    """Work for this many seconds; returns the name."""
    time.sleep(seconds)
    return name


@task
@retry_on(ConnectionError, first=1.0, jitter=0.0)
def call_in_step(until: float) -> None:
    """Call a service that is down until then (epoch seconds); retries after fixed waits."""
    _call(until)


@task
@retry_on(ConnectionError, first=1.0, jitter=0.5)
def call_with_jitter(until: float) -> None:
    """The same, but part of each wait is random."""
    _call(until)


@task
def remind(name: str, due: str, asked_at: str, asked_by: str) -> None:
    """A reminder. It does nothing: what is asked here is when it runs."""


@task
def poison(name: str = "poison") -> None:
    """A job that kills its worker, as a bug in a C library can."""
    os.kill(os.getpid(), signal.SIGKILL)


def _call(until: float) -> None:
    if time.time() < until:
        raise ConnectionError("the service is down")

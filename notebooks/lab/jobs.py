"""Small jobs for experiments. The lab's workers run them."""

import os
import signal
import time

from demo_app.jobs import retry_on, task


@task
def work(name: str, seconds: float = 0.0) -> str:
    """Sleep for `seconds`, and return `name`."""
    time.sleep(seconds)
    return name


@task
@retry_on(ConnectionError, first=1.0, jitter=0.0)
def call_in_step(until: float) -> None:
    """Call a service that is down until `until` (epoch seconds). Retry without jitter."""
    _call(until)


@task
@retry_on(ConnectionError, first=1.0, jitter=0.5)
def call_with_jitter(until: float) -> None:
    """Do the same as `call_in_step`, but with jitter: the waits are partly random."""
    _call(until)


@task
def remind(name: str, due: str, asked_at: str, asked_by: str) -> None:
    """Do nothing. The experiment needs only the time of the run."""


@task
def poison() -> None:
    """Kill this worker, as a bug in a C library can."""
    os.kill(os.getpid(), signal.SIGKILL)


def _call(until: float) -> None:
    if time.time() < until:
        raise ConnectionError("the service is down")

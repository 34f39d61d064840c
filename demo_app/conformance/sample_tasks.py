"""The tasks of the suite. They record their events in a file, which survives a kill."""

import json
import os
import time
from typing import Any

from demo_app.jobs import current, discard_on, retry_on, task
from demo_app.rig.polling import until
from demo_app.settings import settings

#: The file of the events, in the stack's folder.
EVENTS = "events.jsonl"


def record(event: str, **details: Any) -> None:
    """Append an event in one write, so that lines of several processes do not mix."""
    context = current()
    job_id = context.job.id if context else ""
    line = {"event": event, "job": job_id, "at": time.time(), "pid": os.getpid(), **details}
    with (settings().dir / EVENTS).open("ab", buffering=0) as file:
        file.write(json.dumps(line).encode() + b"\n")


class Passing(Exception):
    """A failure that does not occur any more after some tries."""


@task
def echo(value: Any) -> Any:
    record("ran", value=value)
    return value


@task
def step(number: int) -> int:
    """Return the number. Checks identify their jobs by this number."""
    record("ran", number=number)
    return number


@task
def hold(name: str) -> None:
    """Run until the file ``release-<name>`` exists, for at most 60 s."""
    record("began", name=name)
    until((settings().dir / f"release-{name}").exists, 60.0)


@task
@retry_on(Passing, attempts=5, first=0.3, jitter=0.0)
def stumble(failures: int) -> int:
    """Fail `failures` times, then succeed."""
    context = current()
    attempt = context.attempt if context else 1
    record("tried", attempt=attempt)
    if attempt <= failures:
        raise Passing(f"failure {attempt}")
    return attempt


@task
@discard_on(LookupError)
def pointless() -> None:
    """Raise an error for which the job is discarded."""
    record("tried")
    raise LookupError("the record is gone")

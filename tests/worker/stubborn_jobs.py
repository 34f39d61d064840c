"""Tasks that never end, or that write one line."""

from __future__ import annotations

import os
import time
from pathlib import Path

from demo_app.jobs import retry_on, task
from demo_app.jobs.perform import JobTimeout


def _first_time(diary: str) -> bool:
    with Path(diary).open("a") as file:
        file.write(f"{os.getpid()}\n")
    return len(Path(diary).read_text().split()) == 1


@task(queue_name="mail")
@retry_on(JobTimeout, attempts=2, first=0.1)
def loop(diary: str) -> None:
    """Loop forever in the first try. Not even an Exception ends the loop."""
    first = _first_time(diary)
    while first:
        try:
            time.sleep(0.01)
        except Exception:
            continue


@task(queue_name="mail")
def brief(diary: str) -> None:
    _first_time(diary)

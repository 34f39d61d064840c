"""Tasks that the tests need and the demo app does not."""

from __future__ import annotations

import time
from pathlib import Path

from demo_app.jobs import retry_on, task


@task(queue_name="mail")
def nap(seconds: float, diary: str) -> None:
    """Sleep, and write one line into the diary at the start and one at the end."""
    with Path(diary).open("a") as file:
        file.write("began\n")
    time.sleep(seconds)
    with Path(diary).open("a") as file:
        file.write("ended\n")


@task(queue_name="mail")
@retry_on(ValueError, attempts=3, first=0.05, longest=0.1)
def stumble(diary: str) -> None:
    """Fail at each try."""
    with Path(diary).open("a") as file:
        file.write("tried\n")
    raise ValueError("it stumbled")

"""A task that does not end in its first try, and one that ends at once.

Each try appends a line with the pid of its process to the file `diary`.
"""

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
    """Loop forever in the first try, and ignore each Exception. JobTimeout is a BaseException."""
    first = _first_time(diary)
    while first:
        try:
            time.sleep(0.01)
        except Exception:
            continue


@task(queue_name="mail")
def brief(diary: str) -> None:
    _first_time(diary)

"""Tasks for the tests of the job layer. A task must be at the top level of a module."""

import sys

from demo_app.jobs import task
from demo_app.jobs.retries import retry_on

ran: list[str] = []


@task
def add(left: int, right: int = 1) -> int:
    ran.append(f"{left} + {right}")
    return left + right


@task(queue_name="mail", priority=3)
def urgent() -> None:
    ran.append("urgent")


@task
def collect(first: int, **others: int) -> int:
    return first + sum(others.values())


@task
@retry_on(SystemExit, attempts=1)
def leave() -> None:
    sys.exit(3)

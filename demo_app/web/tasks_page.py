"""How each task does: its tries, how many failed, and how long they waited and ran."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from demo_app.broker.events import State
from demo_app.broker.inspect import page
from demo_app.broker.view import JobView
from demo_app.web.dependencies import QueueDep
from demo_app.web.templates import render

router = APIRouter(prefix="/jobs", tags=["dashboard"], include_in_schema=False)
#: Jobs that are looked at, the newest of each of these states.
LOOKED_AT = 500
_ENDS = (State.DONE, State.RETRYING, State.DEAD, State.DISCARDED)


@dataclass(slots=True)
class TaskTimes:
    """The tries of one task. ran: the seconds of each; waited: of each job before its first."""

    task: str
    ran: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    failures: int = 0


#: The columns, each with what it shows and is sorted by.
COLUMNS: dict[str, Callable[[TaskTimes], Any]] = {
    "function": lambda one: one.task,
    "runs": lambda one: len(one.ran),
    "failures": lambda one: one.failures,
    "p50": lambda one: percentile(one.ran, 50),
    "p95": lambda one: percentile(one.ran, 95),
    "waited": lambda one: percentile(one.waited, 95),
}


@router.get("/tasks", response_class=HTMLResponse)
def tasks_page(
    request: Request,
    queue: QueueDep,
    sort: Literal[tuple(COLUMNS)] = "function",  # type: ignore[valid-type]
    minutes: Annotated[int, Query(ge=1, le=100_000)] = 60,
) -> Response:
    """A row a task, of the tries that ended in the last minutes."""
    jobs = (job for state in _ENDS for job in page(queue.client, state, limit=LOOKED_AT).jobs)
    rows = times_of(jobs, since=time.time() - 60 * minutes)
    rows.sort(key=COLUMNS[sort], reverse=sort != "function")
    values: dict[str, Any] = {"columns": COLUMNS, "sort": sort, "minutes": minutes}
    return render(request, "tasks.html", rows=rows, most=LOOKED_AT, **values)


def times_of(jobs: Iterable[JobView], since: float) -> list[TaskTimes]:
    """A row a task, of the tries that ended since then (epoch seconds). One that a worker's death
    ended is none: it says nothing of the task."""
    rows: dict[str, TaskTimes] = {}
    for job in jobs:
        for number, run in enumerate(job.runs):
            if run.how in _ENDS and run.ended is not None and run.ended >= since:
                row = rows.setdefault(job.task, TaskTimes(job.task))
                row.ran.append(max(0.0, run.ended - run.began))
                row.failures += run.how in (State.RETRYING, State.DEAD)
                if number == 0:
                    row.waited.append(max(0.0, run.began - job.enqueued))
    return list(rows.values())


def percentile(values: list[float], percent: int) -> float:
    """The smallest of them that so many percent do not exceed (nearest rank); 0 of none."""
    return sorted(values)[-(-len(values) * percent // 100) - 1] if values else 0.0

"""How each task does: its tries, how many failed, and how long they waited and ran."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from operator import itemgetter
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


@router.get("/tasks", response_class=HTMLResponse)
def tasks_page(
    request: Request,
    queue: QueueDep,
    sort: Literal["function", "runs", "failures", "p50", "p95", "waited"] = "function",
    minutes: Annotated[int, Query(ge=1, le=100_000)] = 60,
) -> Response:
    """A row a task, of the tries that ended in the last minutes."""
    jobs = (job for state in _ENDS for job in page(queue.client, state, limit=LOOKED_AT).jobs)
    rows = times_of(jobs, since=time.time() - 60 * minutes)
    rows.sort(key=itemgetter(sort), reverse=sort != "function")
    values: dict[str, Any] = {"rows": rows, "most": LOOKED_AT, "sort": sort, "minutes": minutes}
    return render(request, "tasks.html", **values)


def times_of(jobs: Iterable[JobView], since: float) -> list[dict[str, Any]]:
    """A row a task, of the tries that ended since then (epoch seconds). One that a worker's death
    ended is none: it says nothing of the task."""
    ran, waited, failures = defaultdict[str, list[float]](list), defaultdict(list), Counter[str]()
    for job in jobs:
        for number, run in enumerate(job.runs):
            if run.how in _ENDS and run.ended is not None and run.ended >= since:
                ran[job.task].append(max(0.0, run.ended - run.began))
                failures[job.task] += run.how in (State.RETRYING, State.DEAD)
                if number == 0:
                    waited[job.task].append(max(0.0, run.began - job.enqueued))
    return [
        {
            "function": task,
            "runs": len(times),
            "failures": failures[task],
            "p50": _percentile(times, 50),
            "p95": _percentile(times, 95),
            "waited": _percentile(waited[task], 95),
        }
        for task, times in ran.items()
    ]


def _percentile(values: list[float], percent: int) -> float:
    """The smallest of them that so many percent do not exceed (nearest rank); 0 of none."""
    return sorted(values)[-(-len(values) * percent // 100) - 1] if values else 0.0

"""The pages of the dashboard: every job with its present place and its history."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from ..events import Event, State
from ..queue import Queue
from ..view import JobView
from .host import HostDep, QueueDep
from .redis_state import redis_state
from .search import known_job, search
from .templates import render

router = APIRouter(prefix="/jobs", tags=["dashboard"], include_in_schema=False)
PER_PAGE = 25
#: Limit of the running jobs, and of the queued jobs, on the first page.
FEW = 8


@router.get("", response_class=HTMLResponse)
def overview(request: Request, host: HostDep) -> Response:
    queue, seen = host.queue, host.snapshot(FEW, FEW)
    return render(
        request,
        "overview.html",
        seen=seen,
        kept=queue is not None,
        running=seen.running(FEW),
        queued=seen.queued(FEW),
        queues=seen.queues(),
        redis=redis_state(queue.client) if queue else None,
        backend=host.backend_name,
        periodic=host.periodic(),
    )


@router.get("/job/{job_id:path}", response_class=HTMLResponse)
def one(request: Request, host: HostDep, queue: QueueDep, job_id: str) -> Response:
    job = known_job(queue, job_id)
    owner = host.snapshot().worker(job.owner)
    steps, keys = list(_steps(job)), _redis_keys(queue, job)
    return render(request, "job.html", job=job, owner=owner, steps=steps, keys=keys)


@router.get("/{state}", response_class=HTMLResponse)
def listed(
    request: Request,
    host: HostDep,
    queue: QueueDep,
    state: State,
    q: Annotated[str, Query(max_length=200)] = "",
    cursor: Annotated[str | None, Query(max_length=300)] = None,
) -> Response:
    seen, found = host.snapshot(), search(queue, state, q, limit=PER_PAGE, cursor=cursor)
    # also list the tasks that the app has not imported yet (`autodiscover_tasks`)
    tasks = {*host.tasks(), *(job.task for job in found.jobs)}
    return render(
        request,
        "list.html",
        state=state,
        found=found,
        seen=seen,
        q=q,
        cursor=cursor,
        tasks=sorted({name.rpartition(".")[2] for name in tasks}),
        queues=[one.name for one in seen.queues()],
    )


def _redis_keys(queue: Queue, job: JobView) -> list[tuple[str, object]]:
    """Return two Redis commands with their replies, about the job's record and its place."""
    keys, state, pipe = queue.keys, job.state, queue.client.pipeline(transaction=False)
    record = keys("job", job.id)
    pipe.llen(record)
    if state in (State.QUEUED, State.RUNNING):
        place = keys("queue", job.list_name)
        if state is State.RUNNING:
            place = keys("claims", job.list_name, job.owner or "")
        command = f"LPOS {place} {job.id}"
        pipe.lpos(place, job.id)
    else:
        command = f"ZSCORE {keys(state)} {job.id}"
        pipe.zscore(keys(state), job.id)
    length, answer = pipe.execute(raise_on_error=False)  # the page shows errors too
    return [(f"LLEN {record}", length), (command, "(nil)" if answer is None else answer)]


def _steps(job: JobView) -> Iterator[tuple[Event, float | None, float | None]]:
    """Yield each event with the seconds since the previous event.

    For a rescue, the third item is the time since the claim (seconds). It is None otherwise.

    An event `killed` is inserted before each rescue, since a killed worker can't record its own
    death. Its times are None.
    """
    deaths = iter(job.deaths)
    for before, event in pairwise((Event("", job.enqueued), *job.timeline)):
        run = next(deaths, None) if event.event == "rescued" else None
        if run is not None:
            yield Event("killed", 0.0, run.worker), None, None
        yield event, event.at - before.at, None if run is None else event.at - run.began

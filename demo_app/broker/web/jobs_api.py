"""The jobs as JSON, and every change of state as it happens.

Changes are sent as server-sent events (the HTML standard). The journal in Redis is the only source,
so every web process sends the same events. A browser that lost its connection continues after the
last event that it has seen.
"""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, BeforeValidator, Field

from ..events import Event, State
from ..inspect import Page
from ..snapshot import Worker
from ..view import JobView
from .admin_actions import JobAction
from .errors import DomainError
from .host import HostDep, QueueDep
from .search import known_job, search

router = APIRouter(prefix="/api", tags=["jobs"])
JobId = Annotated[str, Path(max_length=200)]
_EVENT_ID = re.compile(r"\d{1,15}-\d{1,15}")


class SummaryModel(BaseModel):
    """The number of jobs in each state, in one consistent snapshot."""

    enqueued: int
    queued: int
    running: int
    scheduled: int
    retrying: int
    dead: int
    done: int
    discarded: int
    conserved: bool
    late: int
    workers: tuple[Worker, ...]
    backend: str


class JobModel(BaseModel):
    """One job; times in seconds since the epoch.

    Attributes:
        args: null once the job is done or discarded.
        position: 1 for the next job of its list; null if the job is not queued, or if its position
            is unknown.
    """

    id: str
    task: str
    args: dict[str, Any] | None = Field(validation_alias="arguments")
    queue: str
    priority: int
    state: State
    position: int | None
    owner: str | None
    deliveries: int
    attempts: int
    enqueued_at: float = Field(validation_alias="enqueued")
    due: float | None


def _flat(event: Event) -> dict[str, Any]:
    return {**event.notes, "event": event.event, "at": event.at, "by": event.by}


class JobWithTimelineModel(JobModel):
    """One job with everything that happened to it, and the Message-ID of its mail."""

    timeline: list[Annotated[dict[str, Any], BeforeValidator(_flat)]]
    message_id: str | None


class JobsModel(BaseModel):
    """A page of jobs; `next` is the cursor of the next page."""

    jobs: list[JobModel]
    next: str | None


@router.get("/jobs/summary")
def summary(host: HostDep) -> SummaryModel:
    """Return the number of jobs in each state, and the workers, in one consistent snapshot."""
    seen = host.snapshot()
    about = {"conserved": seen.conserved, "workers": seen.workers, "backend": host.backend_name}
    return SummaryModel(**seen.count, **about)


@router.get("/jobs", response_model=JobsModel)
def jobs(
    queue: QueueDep,
    state: State = State.QUEUED,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
) -> Page:
    """Return one page of the jobs in a state. Queued jobs are sorted: the next to run is first."""
    return search(queue, state, "", limit=limit, cursor=cursor)


@router.get("/jobs/{job_id:path}", response_model=JobWithTimelineModel)
def job(queue: QueueDep, job_id: JobId) -> JobView:
    """Return one job, with everything that happened to it."""
    return known_job(queue, job_id)


@router.post("/jobs/{job_id:path}/{what}")
def move(queue: QueueDep, job_id: JobId, what: JobAction) -> dict[str, str]:
    """Enqueue a scheduled, retrying or dead job now (retry), or discard it.

    Return the job's id, and its previous state as `was`.
    The status is 409 for a job in another state.
    """
    was = queue.decide(job_id, what, by="a person")
    if not was:
        raise DomainError(409, "not_movable", state=known_job(queue, job_id).state)
    return {"id": job_id, "was": was}


@router.get("/events")
def events(host: HostDep, last_event_id: Annotated[str, Header()] = "") -> StreamingResponse:
    """Send every change of state as it happens, as server-sent events.

    While nothing changes, send an event `tick` at least about every second. While Redis can't be
    reached, send events `trouble` instead.
    """
    start = last_event_id if _EVENT_ID.fullmatch(last_event_id) else ""
    stream = host.feed.listen(start)
    headers = {"x-accel-buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

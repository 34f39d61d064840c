"""What the jobs look like as JSON."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query, Request
from pydantic import BaseModel, ConfigDict

from demo_app.broker.events import JobView, State
from demo_app.broker.inspect import get_job
from demo_app.broker.queue import Queue
from demo_app.settings import settings
from demo_app.web import snapshot
from demo_app.web.blog_pages import Sorry
from demo_app.web.search import search

_SORRY: dict[int | str, dict[str, Any]] = {
    code: {"model": Sorry} for code in (400, 401, 404, 409, 421, 422, 503)
}
router = APIRouter(prefix="/api/jobs", tags=["jobs"], responses=_SORRY)
JobId = Annotated[str, Path(max_length=200)]


class WorkerModel(BaseModel):
    """One worker; `left` is the seconds until its lease ends unless it is renewed."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    pid: int
    alive: bool
    running: int
    quiet: bool
    left: float


class SummaryModel(BaseModel):
    """How many jobs are in each state, in one consistent snapshot."""

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
    workers: list[WorkerModel]
    backend: str


class JobModel(BaseModel):
    """One job; times in seconds since the epoch. position: 1 is next to run."""

    id: str
    task: str
    args: dict[str, Any]
    queue: str
    priority: int
    state: State
    position: int | None
    owner: str | None
    deliveries: int
    attempts: int
    enqueued_at: float
    due: float | None


class JobWithTimelineModel(JobModel):
    """One job with everything that happened to it, and the Message-ID of its mail."""

    timeline: list[dict[str, Any]]
    message_id: str | None


class JobsModel(BaseModel):
    """A page of jobs; `next` is the cursor of the one that follows."""

    jobs: list[JobModel]
    next: str | None


class DecidedModel(BaseModel):
    """A job that was moved, and the state it was in."""

    id: str
    was: str


@router.get("/summary")
def summary(request: Request) -> SummaryModel:
    """How many jobs are in each state, and the workers, in one consistent snapshot."""
    seen = snapshot.take(request.app.state.store, request.app.state.desk.backend)
    workers = [WorkerModel.model_validate(worker) for worker in seen.workers]
    return SummaryModel(
        **seen.count,
        conserved=seen.conserved,
        late=seen.late,
        workers=workers,
        backend=request.app.state.desk.backend.name,
    )


@router.get("")
def jobs(
    request: Request,
    state: State = State.QUEUED,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
    search_for: Annotated[str, Query(alias="search", max_length=200)] = "",
) -> JobsModel:
    """One page of the jobs in a state; queued ones in exact order, next to run first.

    search: only jobs whose id, task, arguments or errors hold the text.
    """
    client = _store(request).client
    found = search(client, state, search_for, limit=limit, cursor=cursor)
    return JobsModel(jobs=[as_model(job) for job in found.jobs], next=found.next)


@router.get("/{job_id}")
def job(request: Request, job_id: JobId) -> JobWithTimelineModel:
    """One job, with everything that happened to it."""
    view = get_job(_store(request).client, job_id)
    if view is None:
        raise HTTPException(404, f"There is no job {job_id}, or it ended too long ago.")
    return JobWithTimelineModel(
        **as_model(view).model_dump(),
        timeline=[
            {**event.notes, "event": event.event, "at": event.at, "by": event.by}
            for event in view.timeline
        ],
        message_id=view.message_id,
    )


@router.post("/{job_id}/retry")
def retry(request: Request, job_id: JobId) -> DecidedModel:
    """Put a retrying, scheduled or dead job into its queue now."""
    return _decide(request, job_id, "retry")


@router.post("/{job_id}/discard")
def discard(request: Request, job_id: JobId) -> DecidedModel:
    """Remove a retrying, scheduled or dead job for good."""
    return _decide(request, job_id, "discard")


def _decide(request: Request, job_id: str, what: str) -> DecidedModel:
    store = _store(request)
    was = store.decide(job_id, what, by="a person")
    if not was:
        view = get_job(store.client, job_id)
        if view is None:
            raise HTTPException(404, f"There is no job {job_id}.")
        raise HTTPException(
            409, f"The job is {view.state}; only a retrying, scheduled or dead one can be moved."
        )
    return DecidedModel(id=job_id, was=was)


def _store(request: Request) -> Queue:
    store: Queue | None = request.app.state.store
    if store is None:
        name = settings().backend
        raise HTTPException(409, f"The {name} backend keeps no list of its jobs to look at.")
    return store


def as_model(job: JobView) -> JobModel:
    """A job as the API tells it."""
    return JobModel(
        id=job.id,
        task=job.task,
        args=job.arguments,
        queue=job.queue,
        priority=job.priority,
        state=job.state,
        position=job.position,
        owner=job.owner,
        deliveries=job.deliveries,
        attempts=job.attempts,
        enqueued_at=job.enqueued_at,
        due=job.due,
    )

"""What the jobs look like as JSON."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from demo_app.broker.events import State
from demo_app.broker.inspect import get_job
from demo_app.broker.queue import Queue
from demo_app.web import snapshot
from demo_app.web.admin_actions import JobAction
from demo_app.web.dependencies import QueueDep, ServicesDep
from demo_app.web.errors import DomainError, responses
from demo_app.web.search import search

_ERRORS = responses(400, 401, 404, 409, 421, 422, 503)
router = APIRouter(prefix="/api/jobs", tags=["jobs"], responses=_ERRORS)
JobId = Annotated[str, Path(max_length=200)]


class _Model(BaseModel):
    model_config = ConfigDict(from_attributes=True, validate_by_name=True)


class WorkerModel(_Model):
    """One worker; `left` is the seconds until its lease ends unless it is renewed."""

    id: str
    pid: int
    alive: bool
    running: int
    quiet: bool
    left: float


class SummaryModel(_Model):
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


class JobModel(_Model):
    """One job; times in seconds since the epoch. position: 1 is next to run."""

    id: str
    task: str
    args: dict[str, Any] = Field(validation_alias="arguments")
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


class JobsModel(_Model):
    """A page of jobs; `next` is the cursor of the one that follows."""

    jobs: list[JobModel]
    next: str | None


class MovedModel(_Model):
    """A job that was moved, and the state it was in."""

    id: str
    was: str


@router.get("/summary")
def summary(services: ServicesDep) -> SummaryModel:
    """How many jobs are in each state, and the workers, in one consistent snapshot."""
    backend = services.comments.backend
    seen = snapshot.take(services.queue, backend)
    return SummaryModel(
        **seen.count,
        conserved=seen.conserved,
        late=seen.late,
        workers=[WorkerModel.model_validate(worker) for worker in seen.workers],
        backend=backend.name,
    )


@router.get("")
def jobs(
    queue: QueueDep,
    state: State = State.QUEUED,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
    search_for: Annotated[str, Query(alias="search", max_length=200)] = "",
) -> JobsModel:
    """One page of the jobs in a state; queued ones in exact order, next to run first.

    search: only jobs whose id, task, arguments or errors hold the text.
    """
    found = search(queue.client, state, search_for, limit=limit, cursor=cursor)
    return JobsModel.model_validate(found)


@router.get("/{job_id}")
def job(queue: QueueDep, job_id: JobId) -> JobWithTimelineModel:
    """One job, with everything that happened to it."""
    view = get_job(queue.client, job_id)
    if view is None:
        raise DomainError(404, "no_job", id=job_id)
    return JobWithTimelineModel(
        **JobModel.model_validate(view).model_dump(),
        timeline=[
            {**event.notes, "event": event.event, "at": event.at, "by": event.by}
            for event in view.timeline
        ],
        message_id=view.message_id,
    )


@router.post("/{job_id}/retry")
def retry(queue: QueueDep, job_id: JobId) -> MovedModel:
    """Put a retrying, scheduled or dead job into its queue now."""
    return _move(queue, job_id, JobAction.RETRY)


@router.post("/{job_id}/discard")
def discard(queue: QueueDep, job_id: JobId) -> MovedModel:
    """Remove a retrying, scheduled or dead job for good."""
    return _move(queue, job_id, JobAction.DISCARD)


def _move(queue: Queue, job_id: str, what: JobAction) -> MovedModel:
    was = queue.decide(job_id, what, by="a person")
    if not was:
        view = get_job(queue.client, job_id)
        if view is None:
            raise DomainError(404, "no_job", id=job_id)
        raise DomainError(409, "not_movable", state=view.state)
    return MovedModel(id=job_id, was=was)

"""What the jobs look like as JSON."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import redis.asyncio
from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import StreamingResponse

from demo_app.queue.connection import client_url
from demo_app.queue.look import JobView, State, look_up, notes_of, page
from demo_app.queue.store import Store
from demo_app.settings import settings

router = APIRouter(prefix="/api", tags=["jobs"])
_STATES = [state.value for state in State]


@router.get("/jobs/summary")
def summary(request: Request) -> dict[str, Any]:
    """How many jobs are in each state, and the workers, in one consistent snapshot."""
    chosen = settings()
    store: Store | None = request.app.state.store
    if store is None:
        counts, workers = request.app.state.backend.count_by_state(), []
        counts.setdefault("enqueued", sum(counts.values()))
    else:
        seen = store.summary()
        counts = seen["count"]
        workers = [
            {
                "id": worker["id"],
                "pid": json.loads(worker["said"] or "{}").get("pid"),
                "alive": worker["alive"],
                "running": worker["running"],
            }
            for worker in seen["workers"]
        ]
    told: dict[str, Any] = {name: counts.get(name, 0) for name in ("enqueued", *_STATES)}
    told["conserved"] = told["enqueued"] == sum(told[name] for name in _STATES)
    return {**told, "late": counts.get("late", 0), "workers": workers, "backend": chosen.backend}


@router.get("/jobs")
def jobs(
    request: Request,
    state: State = State.QUEUED,
    limit: int = Query(50, ge=1, le=200),
    cursor: str | None = None,
) -> dict[str, Any]:
    """One page of the jobs in a state; queued ones in exact order, next to run first."""
    found = page(_store(request).client, state, limit=limit, cursor=cursor)
    return {"jobs": [as_json(job) for job in found.jobs], "next": found.next}


@router.get("/jobs/{job_id}")
def job(request: Request, job_id: str) -> dict[str, Any]:
    """One job, with everything that happened to it."""
    view = look_up(_store(request).client, job_id)
    if view is None:
        raise HTTPException(404, f"There is no job {job_id}, or it ended too long ago.")
    return as_json(view) | {
        "timeline": [
            {"event": event.event, "at": event.at, "by": event.by, **event.notes}
            for event in view.timeline
        ],
        "message_id": view.message_id,
    }


@router.post("/jobs/{job_id}/retry")
def retry(request: Request, job_id: str) -> dict[str, Any]:
    """Put a retrying, scheduled or dead job into its queue now."""
    return _decide(request, job_id, "retry")


@router.post("/jobs/{job_id}/discard")
def discard(request: Request, job_id: str) -> dict[str, Any]:
    """Remove a retrying, scheduled or dead job for good."""
    return _decide(request, job_id, "discard")


@router.get("/events")
async def events(request: Request, last_event_id: str = "$") -> StreamingResponse:
    """Every change of state as it happens, as server-sent events."""
    _store(request)
    start = request.headers.get("last-event-id", last_event_id)
    return StreamingResponse(
        _journal(start), media_type="text/event-stream", headers={"cache-control": "no-store"}
    )


async def _journal(last: str) -> AsyncIterator[str]:
    client = redis.asyncio.Redis.from_url(client_url(settings().redis_url), decode_responses=True)
    try:
        yield "retry: 1000\n\n"
        while True:
            try:
                answer: Any = await client.xread({"journal": last}, count=500, block=5000)
            except redis.ConnectionError:
                yield "event: trouble\ndata: Redis can't be reached\n\n"
                return
            if not answer:
                yield ": still here\n\n"
            for _, entries in answer:
                for last, fields in entries:
                    told = {**fields, **notes_of(fields.pop("detail", ""))}
                    told["at"] = int(last.partition("-")[0]) / 1000
                    yield f"id: {last}\ndata: {json.dumps(told)}\n\n"
    finally:
        await client.aclose()


def _decide(request: Request, job_id: str, what: str) -> dict[str, Any]:
    store = _store(request)
    was = store.decide(job_id, what, by="a person")
    if not was:
        view = look_up(store.client, job_id)
        if view is None:
            raise HTTPException(404, f"There is no job {job_id}.")
        raise HTTPException(
            409, f"The job is {view.state}; only a retrying, scheduled or dead one can be moved."
        )
    return {"id": job_id, "was": was}


def _store(request: Request) -> Store:
    store: Store | None = request.app.state.store
    if store is None:
        name = settings().backend
        raise HTTPException(409, f"The {name} backend keeps no list of its jobs to look at.")
    return store


def as_json(job: JobView) -> dict[str, Any]:
    """A job as the API tells it."""
    return {
        "id": job.id,
        "task": job.task,
        "args": job.arguments,
        "queue": job.queue,
        "priority": job.priority,
        "state": job.state,
        "position": job.position,
        "owner": job.owner,
        "deliveries": job.deliveries,
        "attempts": job.attempts,
        "enqueued_at": job.enqueued_at,
        "due": job.due,
    }

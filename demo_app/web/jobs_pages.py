"""The dashboard: every job, where it is, and what happened to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response

from demo_app.broker.events import Event, JobView, State
from demo_app.broker.inspect import get_job
from demo_app.broker.queue import Queue
from demo_app.broker.throughput import Window, buckets
from demo_app.settings import settings
from demo_app.web import snapshot
from demo_app.web.charts import chart
from demo_app.web.desk import Desk
from demo_app.web.inbox import mail_of
from demo_app.web.search import search
from demo_app.web.templates import render

router = APIRouter(prefix="/jobs", tags=["dashboard"], include_in_schema=False)
PER_PAGE = 25


@router.get("", response_class=HTMLResponse)
def overview(request: Request) -> Response:
    """Everything at one glance."""
    store, desk = _store(request), _desk(request)
    seen = snapshot.take(store, desk.backend)
    charts, running, queued, redis_state = [], [], [], None
    if store is not None:
        charts = [chart(window, buckets(store.client, window)) for window in Window]
        running = list(search(store.client, State.RUNNING, "", limit=8).jobs)
        queued = list(search(store.client, State.QUEUED, "", limit=8).jobs)
        redis_state = snapshot.redis_state(store.client)
    return render(
        request,
        "jobs.html",
        seen=seen,
        charts=charts,
        running=running,
        queued=queued,
        redis=redis_state,
        outbox=desk.relay.size(),
        trouble=desk.relay.trouble,
        backend=desk.backend.name,
        said=request.query_params.get("said", ""),
        show=False,
        state=None,
    )


@router.get("/words", response_class=HTMLResponse)
def glossary(request: Request) -> Response:
    """Every word that the pages use."""
    return render(request, "words.html", state=None)


@router.get("/job/{job_id}", response_class=HTMLResponse)
def one(request: Request, job_id: str, show: bool = False) -> Response:
    """One job with its timeline, its tries and its mail."""
    store = _kept(request)
    job = get_job(store.client, job_id)
    if job is None:
        raise HTTPException(404, f"There is no job {job_id}, or it ended too long ago.")
    seen = snapshot.take(store, _desk(request).backend)
    return render(
        request,
        "job.html",
        job=job,
        steps=list(_steps(job)),
        owner=next((worker for worker in seen.workers if worker.id == job.owner), None),
        workers={worker.id: worker for worker in seen.workers},
        mail=mail_of(job),
        show=show,
        state=job.state,
        said=request.query_params.get("said", ""),
        back=f"job/{job_id}",
    )


@router.get("/{state}", response_class=HTMLResponse)
def listed(
    request: Request,
    state: State,
    q: Annotated[str, Query(max_length=200)] = "",
    cursor: Annotated[str | None, Query(max_length=300)] = None,
    show: bool = False,
) -> Response:
    """One page of the jobs in a state, or of those that a search finds."""
    store = _kept(request)
    found = search(store.client, state, q, limit=PER_PAGE, cursor=cursor)
    seen = snapshot.take(store, _desk(request).backend)
    return render(
        request,
        "list.html",
        state=state,
        found=found,
        seen=seen,
        workers={worker.id: worker for worker in seen.workers},
        q=q,
        cursor=cursor,
        show=show,
        said=request.query_params.get("said", ""),
    )


def _steps(job: JobView) -> Iterator[dict[str, Any]]:
    """The timeline for people: what happened, how long after the step before, and by whom.

    A kill leaves no event of its own: nobody was left to write it. What Redis knows is when the
    claim was, and when it was found that the claim's owner was dead.
    """
    before: Event | None = None
    claimed: Event | None = None
    for event in job.timeline:
        after = event.at - (before.at if before else job.enqueued_at)
        if event.event == "rescued":
            yield {
                "event": "killed",
                "at": None,
                "by": event.notes.get("text", ""),
                "after": None,
                "notes": {},
            }
        told = {"event": event.event, "at": event.at, "by": event.by, "after": after}
        if event.event == "rescued" and claimed:
            told["held"] = event.at - claimed.at
        if event.event == "claimed":
            claimed = event
        yield {**told, "notes": event.notes}
        before = event


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _store(request: Request) -> Queue | None:
    store: Queue | None = request.app.state.store
    return store


def _kept(request: Request) -> Queue:
    store = _store(request)
    if store is None:
        name = settings().backend
        raise HTTPException(409, f"The {name} backend keeps no list of its jobs to look at.")
    return store

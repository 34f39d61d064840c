"""What a person decides on the dashboard: over jobs, and over workers. Plain forms, and each asks.

A button leads to a question (`/jobs/ask`), and only the answer to it does anything, so that it
works the same with and without JavaScript.
"""

from __future__ import annotations

import signal
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from demo_app.broker.events import State
from demo_app.broker.queue import Queue
from demo_app.settings import settings
from demo_app.web import processes, snapshot
from demo_app.web.jobs_api import _store as store_of
from demo_app.web.search import DEPTH, search
from demo_app.web.templates import render

router = APIRouter(prefix="/jobs", tags=["dashboard"], include_in_schema=False)
#: Jobs moved by one answer to "all", and looked at for it; then it asks about the rest.
MOST = 500
_LOOKED_AT = 3000
MOVABLE = (State.SCHEDULED, State.RETRYING, State.DEAD)
_WORKER_ACTS = ("quiet", "loud", "stop", "kill")
Text = Annotated[str, Query(max_length=300)]


@router.get("/ask", response_class=HTMLResponse)
def ask(
    request: Request,
    what: Text,
    state: State | None = None,
    q: Text = "",
    whole: bool = False,
    job: Annotated[list[str] | None, Query(max_length=200)] = None,
    worker: Text = "",
    cursor: Text = "",
) -> Response:
    """The question before anything is done. cursor: where "all" begins, if not at the first."""
    if worker and what in _WORKER_ACTS:
        key = f"ask.{what}"
    elif what in ("retry", "discard"):
        key = f"ask.{what}.all" if whole else f"ask.{what}"
    else:
        raise HTTPException(404, f"There is nothing to ask about {what!r}.")
    jobs = job or []
    return render(
        request,
        "ask.html",
        what=what,
        key=key,
        jobs=jobs,
        q=q,
        whole=whole,
        worker=worker,
        state=state,
        most=MOST,
        cursor=cursor,
        said=request.query_params.get("said", ""),
    )


@router.post("/decide")
def decide(
    request: Request,
    what: Annotated[str, Form()],
    state: Annotated[State | None, Form()] = None,
    q: Annotated[str, Form(max_length=200)] = "",
    whole: Annotated[bool, Form()] = False,
    job: Annotated[list[str] | None, Form(max_length=200)] = None,
    cursor: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    """Retry or discard the jobs, or all that the filter finds."""
    if what not in ("retry", "discard"):
        raise HTTPException(404, f"Jobs can't be told to {what!r}.")
    store = store_of(request)
    ids, rest = job or [], None
    if whole and state in MOVABLE:
        ids, rest = _filtered(store, state, q, cursor or None)
    moved = sum(bool(store.decide(id_, what, by="a person")) for id_ in ids)
    told = {"said": f"{what}.{moved}", **({"q": q} if q else {})}
    if rest is not None:
        again = {"what": what, "state": str(state), "whole": "1", "cursor": rest}
        return RedirectResponse(f"ask?{urlencode({**again, **told})}", 303)
    one = f"job/{quote(ids[0], safe='')}" if len(ids) == 1 else "../jobs"
    return RedirectResponse(f"{state or one}?{urlencode(told)}", 303)


def _filtered(
    store: Queue, state: State, text: str, cursor: str | None
) -> tuple[list[str], str | None]:
    """Ids of those that the search finds, and where to go on when there may be more."""
    ids: list[str] = []
    for _ in range(_LOOKED_AT // DEPTH):
        found = search(store.client, state, text, limit=200, cursor=cursor)
        ids += [job.id for job in found.jobs]
        cursor = found.next
        if cursor is None or len(ids) + 200 > MOST:
            break
    return ids, cursor


@router.post("/worker")
def worker(
    request: Request, what: Annotated[str, Form()], worker: Annotated[str, Form(max_length=300)]
) -> Response:
    """Quiet, wake, stop or (on a teaching stack) kill a worker."""
    store = store_of(request)
    seen = snapshot.take(store, request.app.state.desk.backend)
    found = next((one for one in seen.workers if one.id == worker), None)
    if found is None:
        raise HTTPException(404, f"There is no worker {worker}.")
    if what in ("quiet", "loud"):
        store.quiet(worker, what == "quiet")
    elif what in ("stop", "kill"):
        _signal(found, what)
    else:
        raise HTTPException(404, f"A worker can't be told to {what!r}.")
    return RedirectResponse(f"../jobs?{urlencode({'said': what + '.1'})}", 303)


def _signal(worker: snapshot.Worker, what: str) -> None:
    if what == "kill" and not settings().controls:
        raise HTTPException(403, "Only a teaching stack's workers can be killed from here.")
    if not worker.here:
        raise HTTPException(409, f"It runs on {worker.host}: signal {worker.pid} there.")
    number = signal.SIGKILL if what == "kill" else signal.SIGTERM
    if not processes.send(worker.pid, processes.is_our_worker, number):
        raise HTTPException(409, f"The process {worker.pid} is gone, or is none of this stack's.")

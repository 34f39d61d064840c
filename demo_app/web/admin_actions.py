"""What a person may do on the dashboard, to jobs and to workers. Plain forms, and each asks first.

A button leads to a question (`/jobs/confirm`), and only the answer to it does anything, so that it
works the same with and without JavaScript.
"""

from __future__ import annotations

import signal
from typing import Annotated, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, Field

from demo_app.broker.events import State
from demo_app.broker.queue import Queue
from demo_app.broker.snapshot import Worker
from demo_app.settings import settings
from demo_app.web import processes, snapshot
from demo_app.web.dependencies import QueueDep, ServicesDep
from demo_app.web.errors import DomainError
from demo_app.web.search import DEPTH, search
from demo_app.web.templates import render

router = APIRouter(prefix="/jobs", tags=["dashboard"], include_in_schema=False)
#: Jobs moved by one answer to "all", and looked at for it; then it asks about the rest.
MOST = 500
_LOOKED_AT = 3000
MOVABLE = (State.QUEUED, State.SCHEDULED, State.RETRYING, State.DEAD)
#: What may be done to a job that waits, and to a worker.
JobAction = Literal["retry", "discard"]
WorkerAction = Literal["pause", "resume", "stop", "kill"]
Text = Annotated[str, Field(max_length=300)]


class Question(BaseModel):
    """What is to be done, and to what: a worker, some jobs, or the whole of what the
    filter (state, q) finds, from the cursor on."""

    what: JobAction | WorkerAction
    state: State | None = None
    q: Text = ""
    whole: bool = False
    job: Annotated[list[str], Field(max_length=200)] = []
    worker: Text = ""
    cursor: Text = ""


class Decision(Question):
    """The answer to a question about jobs."""

    what: JobAction


@router.get("/confirm", response_class=HTMLResponse)
def confirm(request: Request, asked: Annotated[Question, Query()]) -> Response:
    """The question before anything is done."""
    return render(request, "confirm.html", most=MOST, **dict(asked))


@router.post("/decide")
def decide(queue: QueueDep, told: Annotated[Decision, Form()]) -> Response:
    """Retry or discard the jobs, or all that the filter finds."""
    what, state, q, ids, rest = told.what, told.state, told.q, told.job, None
    if told.whole and state in MOVABLE:
        ids, rest = _filtered(queue, state, q, told.cursor or None)
    step = "delete" if what == "discard" else what
    moved = sum(bool(queue.decide(id_, step, by="a person")) for id_ in ids)
    query = {"said": f"{what}.{moved}", **({"q": q} if q else {})}
    if rest is not None:
        query |= {"what": what, "state": str(state), "whole": "1", "cursor": rest}
        return RedirectResponse(f"confirm?{urlencode(query)}", 303)
    one = f"job/{quote(ids[0], safe='')}" if len(ids) == 1 else "../jobs"
    return RedirectResponse(f"{state or one}?{urlencode(query)}", 303)


def _filtered(
    queue: Queue, state: State, text: str, cursor: str | None
) -> tuple[list[str], str | None]:
    """Ids of those that the search finds, and where to go on when there may be more."""
    ids: list[str] = []
    for _ in range(_LOOKED_AT // DEPTH):
        found = search(queue.client, state, text, limit=200, cursor=cursor)
        ids += [job.id for job in found.jobs]
        cursor = found.next
        if cursor is None or len(ids) + 200 > MOST:
            break
    return ids, cursor


@router.post("/worker")
def worker(
    services: ServicesDep,
    queue: QueueDep,
    what: Annotated[WorkerAction, Form()],
    worker: Annotated[str, Form(max_length=300)],
) -> Response:
    """Pause, resume, stop or (where that is allowed) kill a worker."""
    found = snapshot.take(queue, services.comments.backend).worker(worker)
    if found is None:
        raise DomainError(404, "no_worker", worker=worker)
    if what in ("pause", "resume"):
        queue.pause(worker, what == "pause")
    else:
        _signal(found, what)
    return RedirectResponse(f"../jobs?{urlencode({'said': what + '.1'})}", 303)


def _signal(worker: Worker, what: WorkerAction) -> None:
    if what == "kill" and not settings().controls:
        raise DomainError(403, "controls")
    if not worker.here:
        raise DomainError(409, "elsewhere", host=worker.host, pid=worker.pid)
    number = signal.SIGKILL if what == "kill" else signal.SIGTERM
    if not processes.send(worker.pid, number):
        raise DomainError(409, "not_ours", pid=worker.pid)

"""The actions of a person on the dashboard: retry and discard jobs, pause and resume workers.

The actions are plain forms, so they work with and without JavaScript. A button opens a page that
asks for confirmation (`/jobs/confirm`), and only the form on that page changes a job.
"""

from typing import Annotated, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, Field

from ..events import State
from ..inspect import get_jobs
from .errors import DomainError
from .host import QueueDep
from .templates import render

router = APIRouter(prefix="/jobs", tags=["dashboard"], include_in_schema=False)
#: Limit of the jobs that the confirmation page lists.
FEW = 20
#: The actions on a waiting job, and on a worker.
JobAction = Literal["retry", "discard"]
WorkerAction = Literal["pause", "resume"]
Text = Annotated[str, Field(max_length=300)]


class Question(BaseModel):
    """A requested action, on a worker or on jobs.

    Attributes:
        state: the state of the listed jobs if a job list showed the action; None on another page.
        q: the search text of this job list; "" for none.
        job: the ids of the jobs.
        worker: the worker; "" for an action on jobs.
    """

    what: JobAction | WorkerAction
    state: State | None = None
    q: Text = ""
    job: Annotated[list[str], Field(max_length=200)] = []
    worker: Text = ""

    def origin(self, **query: str) -> str:
        """Return the address of the page that showed the action, relative to `/jobs/`."""
        page = f"job/{quote(self.job[0])}" if len(self.job) == 1 else "../jobs"
        return f"{self.state or page}?{urlencode({**query, 'q': self.q})}"


class Decision(Question):
    """The form that confirms an action on jobs."""

    what: JobAction


@router.get("/confirm", response_class=HTMLResponse)
def confirm(request: Request, queue: QueueDep, question: Annotated[Question, Query()]) -> Response:
    jobs = {one.id: one for one in get_jobs(queue, question.job[:FEW])}
    back = question.origin()
    return render(request, "confirm.html", **dict(question), back=back, jobs=jobs, few=FEW)


@router.post("/decide")
def decide(queue: QueueDep, form: Annotated[Decision, Form()]) -> Response:
    step = "delete" if form.what == "discard" else form.what
    moved = sum(bool(queue.decide(id_, step, by="a person")) for id_ in form.job)
    return RedirectResponse(form.origin(done=f"{form.what}.{moved}"), 303)


@router.post("/worker")
def worker(
    queue: QueueDep,
    what: Annotated[WorkerAction, Form()],
    worker: Annotated[str, Form(max_length=300)],
) -> Response:
    if not queue.pause(worker, what == "pause"):
        raise DomainError(404, "no_worker", worker=worker)
    return RedirectResponse(f"../jobs?{urlencode({'done': what + '.1'})}", 303)

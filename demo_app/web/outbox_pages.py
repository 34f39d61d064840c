"""The outbox as a page: the jobs that the queue does not have yet, also while Redis is dead."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from demo_app.blog import outbox
from demo_app.jobs.job import Job
from demo_app.web.desk import Desk
from demo_app.web.templates import render

router = APIRouter(prefix="/jobs", tags=["dashboard"], include_in_schema=False)
#: Rows on the page, the oldest ones.
SHOWN = 50


@dataclass(frozen=True, slots=True)
class Row:
    """A job in the outbox. handed_over: the queue has it, and the row stays until that is safe."""

    job: Job
    handed_over: bool


@router.get("/outbox", response_class=HTMLResponse)
def outbox_page(request: Request, show: bool = False) -> Response:
    """The oldest rows; asks nobody but the blog's database."""
    desk: Desk = request.app.state.desk
    handed_over = desk.relay.handed_over()
    entries = outbox.pending(desk.database, limit=SHOWN + 1)
    jobs = [entry.job for entry in entries if entry.job is not None]
    return render(
        request,
        "outbox.html",
        rows=[Row(job, job.id in handed_over) for job in jobs[:SHOWN]],
        more=len(jobs) > SHOWN,
        waiting=desk.relay.size(),
        trouble=desk.relay.trouble,
        kept=request.app.state.store is not None,
        show=show,
        state=None,
    )

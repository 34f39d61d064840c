"""The room plays: a tap on a phone posts a comment and a prediction, and it follows its own job.

Open to all who may comment, within the same limits. What a phone posts is one of three words.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from demo_app.blog import posts
from demo_app.stage.routes import StageDep
from demo_app.web.blog_pages import check_rate
from demo_app.web.dependencies import ServicesDep
from demo_app.web.templates import render

#: The post that they comment on.
_POST = 1
router = APIRouter(prefix="/room", include_in_schema=False)


@router.get("", response_class=HTMLResponse)
def page(
    request: Request,
    services: ServicesDep,
    stage: StageDep,
    job: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """The question; or where the phone's own job is, whose id is hard to guess."""
    notice = posts.notice_of_job(services.comments.database, _POST, job) if job else None
    places = stage.places().items() if notice else ()
    place = next((name for name, ones in places if notice and notice.comment_id in ones), "over")
    return render(request, "room.html", notice=notice, place=place)


@router.post("")
def tap(
    request: Request,
    services: ServicesDep,
    stage: StageDep,
    guess: Annotated[Literal["gone", "late", "twice"], Form()],
) -> Response:
    """A comment and a vote."""
    check_rate(request, services.rate_limit)
    comment = services.comments.accept(_POST, "A phone", "phone@example.test", guess)
    stage.votes.append(guess)
    answered = services.comments.after_answer()
    return RedirectResponse(f"room?job={comment.job_id}", 303, background=answered)

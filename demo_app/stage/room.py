"""The page for phones: a tap posts a comment and a vote, and the page follows the comment's job.

A vote is a prediction about the jobs of a killed worker: gone, late or twice. The comment contains
only this word. A cookie identifies the phone, so that each phone has one vote. The rate limit is
the same as for other comments.
"""

import secrets
from typing import Annotated, Literal

from fastapi import APIRouter, Cookie, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from demo_app.blog import posts
from demo_app.broker.web.templates import render
from demo_app.stage.routes import StageDep
from demo_app.web.blog_pages import check_rate
from demo_app.web.dependencies import ServicesDep

#: The id of the blog post that receives the comments from phones.
_POST = 1
router = APIRouter(prefix="/room", include_in_schema=False)


@router.get("", response_class=HTMLResponse)
def page(
    request: Request,
    services: ServicesDep,
    stage: StageDep,
    job: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Show the question, or the place of a job.

    Args:
        job: the id of the job, which other phones can't guess; "" shows the question.
    """
    notice = posts.notice_of_job(services.comments.database, _POST, job) if job else None
    number = notice.comment_id if notice else 0
    # the places are cached: a new comment may not be among them yet
    unseen = "waiting" if number >= stage.first_of_round() else "over"
    place = next((name for name, ones in stage.places().items() if number in ones), unseen)
    return render(request, "room.html", notice=notice, place=place)


@router.post("")
def tap(
    request: Request,
    services: ServicesDep,
    stage: StageDep,
    guess: Annotated[Literal["gone", "late", "twice"], Form()],
    phone: Annotated[str, Cookie(max_length=100)] = "",
) -> Response:
    """Post a comment and a vote, and redirect to the page of the comment's job."""
    check_rate(request, services.rate_limit)
    comment = services.comments.accept(_POST, "A phone", "phone@example.test", guess)
    phone = phone or secrets.token_urlsafe(9)
    stage.vote(phone, guess)
    answered = services.comments.after_answer()
    answer = RedirectResponse(f"room?job={comment.job_id}", 303, background=answered)
    answer.set_cookie("phone", phone, httponly=True, samesite="lax")
    return answer

"""The blog: what a reader sees, and where comments come in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, Field

from demo_app.blog import posts
from demo_app.web.desk import Desk
from demo_app.web.problems import Refused
from demo_app.web.rate_limit import RateLimit
from demo_app.web.templates import render
from demo_app.web.whereabouts import Place, Tracker, Whereabouts
from demo_app.web.words import language_of

router = APIRouter(tags=["blog"])
PostId = Annotated[int, Path(ge=0, le=2**53)]
#: What a reader's journey looks like: the stations, and the last one reached by each place.
STATIONS = ("posted", "queued", "running", "delivered")
_REACHED = {
    Place.OUTBOX: 0,
    Place.UNSURE: 0,
    Place.LOST: 0,
    Place.MEMORY: 1,
    Place.QUEUED: 1,
    Place.LATER: 1,
    Place.DEAD: 1,
    Place.DISCARDED: 1,
    Place.RUNNING: 2,
    Place.DELIVERED: 3,
}


class CommentIn(BaseModel):
    """A comment as it comes in."""

    author: str = ""
    email: str = ""
    body: str = ""


class CommentOut(BaseModel):
    """What a reader's program is told."""

    comment_id: int = Field(ge=1)
    job_id: str


class Sorry(BaseModel):
    """Why something could not be done."""

    detail: str


@router.get("/", response_class=HTMLResponse, include_in_schema=False)
def front(request: Request) -> Response:
    """Every post."""
    desk: Desk = request.app.state.desk
    everyone = posts.all_posts(desk.database)
    return render(
        request,
        "front.html",
        posts=everyone,
        counts={post.id: posts.count_comments(desk.database, post.id) for post in everyone},
        most=posts.MOST_COUNTED,
    )


@router.get("/posts/{post_id}", response_class=HTMLResponse, include_in_schema=False)
def one(
    request: Request,
    post_id: PostId,
    posted: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """One post, its comments, and the form for another."""
    return _post_page(request, post_id, posted=posted)


@router.post("/posts/{post_id}", response_class=HTMLResponse, include_in_schema=False)
def comment_by_form(
    request: Request,
    post_id: PostId,
    author: Annotated[str, Form()] = "",
    email: Annotated[str, Form()] = "",
    body: Annotated[str, Form()] = "",
) -> Response:
    """A comment from the page's form; works without JavaScript."""
    desk: Desk = request.app.state.desk
    try:
        check_rate(request)
        comment = desk.accept(post_id, author, email, body.replace("\r\n", "\n"))
    except Refused as refused:
        given = {"author": author, "email": email, "body": body}
        sentence = refused.sentence(language_of(request))
        return _post_page(request, post_id, problem=sentence, given=given, status=refused.status)
    travel = f"{post_id}?posted={comment.job_id}#travel"
    return RedirectResponse(travel, status_code=303, background=desk.after_answer())


@router.post(
    "/api/posts/{post_id}/comments",
    status_code=201,
    response_model=CommentOut,
    responses={code: {"model": Sorry} for code in (400, 403, 404, 413, 421, 422, 429, 503)},
)
def comment_by_api(request: Request, post_id: PostId, given: CommentIn) -> Response:
    """A comment from a program."""
    desk: Desk = request.app.state.desk
    check_rate(request)
    comment = desk.accept(post_id, given.author, given.email, given.body)
    # a model would be checked and written in one more thread, which takes as long as the rest
    told = {"comment_id": comment.id, "job_id": comment.job_id}
    return JSONResponse(told, status_code=201, background=desk.after_answer())


def station_reached(travel: Whereabouts | None) -> int:
    """Which of the stations was reached last, from 0."""
    return _REACHED[travel.place] if travel else 0


def check_rate(request: Request) -> None:
    """Raises Refused when this address posts too fast; who holds the token is trusted."""
    limit: RateLimit = request.app.state.rate_limit
    address = request.client.host if request.client else ""
    if not request.scope.get("holder") and not limit.allows(address):
        raise Refused(429, "too_many")


def _post_page(
    request: Request,
    post_id: int,
    *,
    problem: str = "",
    given: dict[str, str] | None = None,
    status: int = 200,
    posted: str = "",
) -> Response:
    desk: Desk = request.app.state.desk
    post = posts.post(desk.database, post_id)
    if post is None:
        raise HTTPException(404, f"There is no post {post_id}.")
    comments = posts.comments(desk.database, post_id)
    travel = _travel(request, post_id, posted) if posted else None
    return render(
        request,
        "post.html",
        status=status,
        post=post,
        comments=comments,
        problem=problem,
        given=given or {},
        travel=travel,
        reached=station_reached(travel),
        stations=STATIONS,
        backend=desk.backend,
        kept=request.app.state.store is not None,
    )


def _travel(request: Request, post_id: int, job_id: str) -> Whereabouts | None:
    """Where the notification of the reader's own comment is; the job's id is hard to guess."""
    desk: Desk = request.app.state.desk
    tracker: Tracker = request.app.state.tracker
    notice = posts.notice_of_job(desk.database, post_id, job_id)
    return tracker.look([notice])[0] if notice else None

"""The blog: what a reader sees, and where comments come in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, Field

from demo_app.blog import posts
from demo_app.web.delivery import Place
from demo_app.web.dependencies import Services, ServicesDep
from demo_app.web.errors import DomainError, responses
from demo_app.web.templates import render
from demo_app.web.translations import language_of

router = APIRouter(tags=["blog"])
PostId = Annotated[int, Path(ge=0, le=2**53)]
#: The stations of a mail's journey as a reader sees it.
STATIONS = ("posted", "queued", "running", "delivered")
#: The last station reached by what is in a place; "queued" where nothing is said here.
_REACHED = {
    Place.OUTBOX: "posted",
    Place.UNSURE: "posted",
    Place.LOST: "posted",
    Place.RUNNING: "running",
    Place.DELIVERED: "delivered",
}


class CommentIn(BaseModel):
    """A comment as it comes in."""

    author: str = ""
    email: str = ""
    body: str = ""


class CommentOut(BaseModel):
    """The answer to a program."""

    comment_id: int = Field(ge=1)
    job_id: str


@router.get("/", response_class=HTMLResponse, include_in_schema=False)
def front(request: Request, services: ServicesDep) -> Response:
    """Every post."""
    database = services.comments.database
    everyone = posts.all_posts(database)
    counts = {post.id: posts.count_comments(database, post.id) for post in everyone}
    return render(request, "front.html", posts=everyone, counts=counts, most=posts.MOST_COUNTED)


@router.get("/posts/{post_id}", response_class=HTMLResponse, include_in_schema=False)
def one(
    request: Request,
    services: ServicesDep,
    post_id: PostId,
    posted: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """One post, its comments, and the form for another."""
    return _post_page(request, services, post_id, posted=posted)


@router.post("/posts/{post_id}", response_class=HTMLResponse, include_in_schema=False)
def comment_by_form(
    request: Request,
    services: ServicesDep,
    post_id: PostId,
    author: Annotated[str, Form()] = "",
    email: Annotated[str, Form()] = "",
    body: Annotated[str, Form()] = "",
) -> Response:
    """A comment from the page's form; works without JavaScript."""
    try:
        _check_rate(request, services)
        comment = services.comments.accept(post_id, author, email, body.replace("\r\n", "\n"))
    except DomainError as error:
        given = {"author": author, "email": email, "body": body}
        return _post_page(request, services, post_id, error=error, given=given)
    travel = f"{post_id}?posted={comment.job_id}#travel"
    return RedirectResponse(travel, 303, background=services.comments.after_answer())


@router.post(
    "/api/posts/{post_id}/comments",
    status_code=201,
    response_model=CommentOut,
    responses=responses(400, 403, 404, 413, 421, 422, 429, 503),
)
def comment_by_api(
    request: Request, services: ServicesDep, post_id: PostId, given: CommentIn
) -> Response:
    """A comment from a program."""
    _check_rate(request, services)
    comment = services.comments.accept(post_id, given.author, given.email, given.body)
    # a model would be checked and written in one more thread, which takes as long as the rest
    answer = {"comment_id": comment.id, "job_id": comment.job_id}
    return JSONResponse(answer, 201, background=services.comments.after_answer())


def _check_rate(request: Request, services: Services) -> None:
    """Raises DomainError when this address posts too fast; who holds the token is trusted."""
    address = request.client.host if request.client else ""
    if not request.scope.get("holder") and not services.rate_limit.allows(address):
        raise DomainError(429, "too_many", {"retry-after": "10"})


def _post_page(
    request: Request,
    services: Services,
    post_id: int,
    *,
    posted: str = "",
    error: DomainError | None = None,
    given: dict[str, str] | None = None,
) -> Response:
    """posted: the job of the reader's own comment; its id is hard to guess. error, given: why a
    comment was not taken, and what it was."""
    database = services.comments.database
    post = posts.post(database, post_id)
    if post is None:
        raise DomainError(404, "no_post", id=post_id)
    notice = posts.notice_of_job(database, post_id, posted) if posted else None
    travel = services.locator.locate([notice])[0] if notice else None
    return render(
        request,
        "post.html",
        status=error.status_code if error else 200,
        post=post,
        comments=posts.comments(database, post_id),
        problem=error.sentence(language_of(request)) if error else "",
        given=given or {},
        travel=travel,
        reached=STATIONS.index(_REACHED.get(travel.place, "queued")) if travel else 0,
        stations=STATIONS,
        backend=services.comments.backend,
        kept=services.queue is not None,
    )

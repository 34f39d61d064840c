"""The pages of the blog, and the routes that accept comments."""

from collections.abc import Iterator
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Form, Header, Path, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import BaseModel

from demo_app.blog import posts
from demo_app.blog.posts import Comment
from demo_app.broker.web.errors import DomainError
from demo_app.broker.web.templates import render, sentences_for
from demo_app.shared.escape import escape_invisible
from demo_app.web.dependencies import Services, ServicesDep
from demo_app.web.rate_limit import RateLimit

router = APIRouter(tags=["blog"])
PostId = Annotated[int, Path(ge=0, le=2**53)]
#: Limits of a page: the number of comments, and of the comments' characters after escaping.
SHOWN, SHOWN_CHARACTERS = 200, 100_000


class CommentIn(BaseModel):
    """A comment in a request to the API."""

    author: str = ""
    email: str = ""
    body: str = ""


@router.get("/", response_class=HTMLResponse, include_in_schema=False)
def front(request: Request, services: ServicesDep) -> Response:
    database = services.comments.database
    everyone = posts.all_posts(database)
    counts = {post.id: posts.count_comments(database, post.id) for post in everyone}
    return render(request, "front.html", posts=everyone, counts=counts, limit=posts.MAX_COUNTED)


@router.get("/posts/{post_id}", response_class=HTMLResponse, include_in_schema=False)
def one(
    request: Request,
    services: ServicesDep,
    post_id: PostId,
    posted: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    return _post_page(request, services, post_id, posted=posted)


@router.post("/posts/{post_id}", response_class=HTMLResponse, include_in_schema=False)
def comment_by_form(
    request: Request,
    services: ServicesDep,
    post_id: PostId,
    author: Annotated[str, Form()] = "",
    email: Annotated[str, Form()] = "",
    body: Annotated[str, Form()] = "",
    key: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    try:
        check_rate(request, services.rate_limit)
        body = body.replace("\r\n", "\n")
        comment = services.comments.accept(post_id, author, email, body, key=key)
    except DomainError as error:
        given = {"author": author, "email": email, "body": body}
        return _post_page(request, services, post_id, error=error, given=given)
    travel = f"{post_id}?posted={comment.job_id}#travel"
    return RedirectResponse(travel, 303, background=services.comments.after_answer())


@router.post("/api/posts/{post_id}/comments", status_code=201)
def comment_by_api(
    request: Request,
    services: ServicesDep,
    post_id: PostId,
    given: CommentIn,
    idempotency_key: Annotated[str, Header(max_length=200)] = "",
) -> Response:
    """Accept a comment from a program.

    A comment that is sent again with the same Idempotency-Key is stored once.
    """
    check_rate(request, services.rate_limit)
    comment = services.comments.accept(
        post_id, given.author, given.email, given.body, key=idempotency_key
    )
    # FastAPI would validate a model in another thread, which doubles the time of the request
    answer = {"comment_id": comment.id, "job_id": comment.job_id}
    return JSONResponse(answer, 201, background=services.comments.after_answer())


def check_rate(request: Request, limit: RateLimit) -> None:
    """Count the request, and raise DomainError if its address exceeds the rate limit.

    Requests with the token are not limited or counted.
    """
    address = request.client.host if request.client else ""
    if not (request.scope.get("holder") or limit.allows(address)):
        raise DomainError(429, "too_many", {"retry-after": "10"})


def _page_of(comments: Iterator[Comment]) -> tuple[list[Comment], bool]:
    """Return the newest comments that fit on a page, and True if there are older comments.

    An invisible character counts as eight characters, since it is shown as a word.
    """
    shown: list[Comment] = []
    size = 0
    for comment in comments:
        size += len(escape_invisible(comment.author + comment.body))
        if shown and (size > SHOWN_CHARACTERS or len(shown) == SHOWN):
            return shown, True
        shown.append(comment)
    return shown, False


def _post_page(
    request: Request,
    services: Services,
    post_id: int,
    *,
    posted: str = "",
    error: DomainError | None = None,
    given: dict[str, str] | None = None,
) -> Response:
    """Return the page of a post.

    Args:
        posted: the job id of the comment that the reader has just posted, or "".
        error: the reason why a comment was rejected; None if none was rejected.
        given: the fields of the rejected comment.
    """
    database = services.comments.database
    post = posts.post(database, post_id)
    if post is None:
        raise DomainError(404, "no_post", id=post_id)
    notice = posts.notice_of_job(database, post_id, posted) if posted else None
    travel = services.locator.locate_soon(notice) if notice else None
    shown, older = _page_of(posts.newest_comments(database, post_id, SHOWN + 1))
    return render(
        request,
        "post.html",
        status=error.status_code if error else 200,
        post=post,
        comments=shown[::-1],
        older=older,
        problem=error.sentence(sentences_for(request)) if error else "",
        wrong=error.why.partition("_")[2] if error else "",
        given=given or {},
        key=uuid4().hex,
        travel=travel,
        backend=services.comments.backend,
        kept=services.queue is not None,
    )

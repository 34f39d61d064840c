"""An author's page: two more jobs that end in a mail to the author, and are no notification.

A picture is made small, and the month's comments become a table. All who can read the blog can ask
for both, as for a comment; the mail always goes to the author's own address.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from demo_app.blog import outbox, pictures, posts
from demo_app.blog.posts import Notice, Post
from demo_app.jobs.job import Job
from demo_app.tasks import mail_monthly_report, mail_thumbnail
from demo_app.web.blog_pages import check_rate
from demo_app.web.comments import CommentService, Route
from demo_app.web.dependencies import ServicesDep
from demo_app.web.errors import DomainError
from demo_app.web.templates import render

router = APIRouter(prefix="/authors", tags=["blog"], include_in_schema=False)
#: Pictures and tables that one address may ask for at once, and how many more each second.
AUTHOR_BURST, AUTHOR_PER_SECOND = 20, 0.2
#: Characters of a file's name that are kept.
_LONGEST_NAME = 100


@router.get("/{name}", response_class=HTMLResponse)
def author_page(
    request: Request,
    services: ServicesDep,
    name: str,
    job: Annotated[str, Query(max_length=100)] = "",
    what: Literal["picture", "report"] = "picture",
) -> Response:
    """The author's posts, and what can be asked for; job, what: what was asked for a moment ago."""
    written = _posts_of(services.comments, name)
    # a job's id is hard to guess, and all that the locator needs of what is no comment
    travel = services.locator.locate_soon(Notice(0, 0.0, job)) if job else None
    return render(
        request,
        "author.html",
        author=written[0].author,
        posts=written,
        travel=travel,
        what=what,
        kept=services.queue is not None,
    )


@router.post("/{name}/picture")
def make_thumbnail(
    request: Request, services: ServicesDep, name: str, file: UploadFile
) -> Response:
    """Keep a picture; a job makes it small, and mails it to the author."""
    comments, route = services.comments, services.comments.route
    author = _posts_of(comments, name)[0]
    check_rate(request, services.author_limit)
    content = file.file.read()
    if not content:
        raise DomainError(422, "no_picture")
    _, job = pictures.add_picture(
        comments.database,
        (file.filename or "picture")[:_LONGEST_NAME],
        author.author,
        author.author_email,
        content,
        shrink=comments.ranked(mail_thumbnail, -1),  # it takes long
        keep_job=route.use_outbox,
    )
    return _on_its_way(comments, route, name, job, "picture")


@router.post("/{name}/report")
def make_report(request: Request, services: ServicesDep, name: str) -> Response:
    """A job makes a table of this month's comments, and mails it to the author."""
    comments, route = services.comments, services.comments.route
    author = _posts_of(comments, name)[0]
    check_rate(request, services.author_limit)
    now = datetime.now(UTC)
    job = mail_monthly_report.job(now.year, now.month, author.author, author.author_email)
    if route.use_outbox:
        with comments.database.transaction() as transaction:
            outbox.add(transaction, job)
    return _on_its_way(comments, route, name, job, "report")


def _posts_of(comments: CommentService, name: str) -> list[Post]:
    """Raises DomainError when nobody of that name has written here."""
    written = [post for post in posts.all_posts(comments.database) if post.author == name]
    if not written:
        raise DomainError(404, "no_author_here", name=name[:100])
    return written


def _on_its_way(comments: CommentService, route: Route, name: str, job: Job, what: str) -> Response:
    comments.dispatch(job, route)
    target = f"../{name}?job={job.id}&what={what}#travel"
    return RedirectResponse(target, status_code=303, background=comments.after_answer())

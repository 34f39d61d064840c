"""The blog: what a reader sees, and where comments come in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel

from demo_app.blog import posts
from demo_app.web.comments import Desk, Refused
from demo_app.web.templates import render

router = APIRouter(tags=["blog"])


class CommentIn(BaseModel):
    """A comment as it comes in."""

    author: str = ""
    email: str = ""
    body: str = ""


class CommentOut(BaseModel):
    """What a reader's program is told."""

    comment_id: int
    job_id: str


@router.get("/", response_class=HTMLResponse)
def front(request: Request) -> Response:
    """Every post."""
    desk: Desk = request.app.state.desk
    return render(request, "front.html", posts=posts.all_posts(desk.database))


@router.get("/posts/{post_id}", response_class=HTMLResponse)
def one(request: Request, post_id: int) -> Response:
    """One post, its comments, and the form for another."""
    return _post_page(request, post_id)


@router.post("/posts/{post_id}", response_class=HTMLResponse)
def comment_by_form(
    request: Request,
    post_id: int,
    author: Annotated[str, Form()] = "",
    email: Annotated[str, Form()] = "",
    body: Annotated[str, Form()] = "",
) -> Response:
    """A comment from the page's form; works without JavaScript."""
    desk: Desk = request.app.state.desk
    try:
        comment = desk.accept(post_id, author, email, body.replace("\r\n", "\n"))
    except Refused as refused:
        given = {"author": author, "email": email, "body": body}
        return _post_page(request, post_id, str(refused), given, refused.status)
    return RedirectResponse(f"{post_id}?posted={comment.id}#comment-{comment.id}", status_code=303)


@router.post("/api/posts/{post_id}/comments", status_code=201)
def comment_by_api(request: Request, post_id: int, given: CommentIn) -> CommentOut:
    """A comment from a program."""
    desk: Desk = request.app.state.desk
    comment = desk.accept(post_id, given.author, given.email, given.body)
    return CommentOut(comment_id=comment.id, job_id=comment.job_id)


def _post_page(
    request: Request,
    post_id: int,
    problem: str = "",
    given: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    desk: Desk = request.app.state.desk
    post = posts.post(desk.database, post_id)
    if post is None:
        raise HTTPException(404, f"There is no post {post_id}.")
    comments = posts.comments(desk.database, post_id)
    return render(
        request,
        "post.html",
        status=status,
        post=post,
        comments=comments,
        problem=problem,
        given=given or {},
    )

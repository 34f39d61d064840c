"""Posts and their comments."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import NamedTuple

from demo_app.blog import outbox
from demo_app.blog.database import Connection, Database, IntegrityError
from demo_app.blog.seed import POSTS
from demo_app.failpoints import Step, hit
from demo_app.jobs.job import Job
from demo_app.jobs.task import Task


@dataclass(frozen=True, slots=True)
class Post:
    """One post; its author gets a mail about each comment."""

    id: int
    title: str
    body: str
    author: str
    author_email: str


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment; created_at in seconds since the epoch."""

    id: int
    post_id: int
    author: str
    email: str
    body: str
    created_at: float
    job_id: str


class Notice(NamedTuple):
    """A comment and the job that sends its mail; created_at in seconds since the epoch."""

    comment_id: int
    created_at: float
    job_id: str


class KeyTaken(ValueError):
    """The key belongs to a comment that says something else."""


class NoSuchPost(LookupError):
    """There is no post of that number."""


_POST = "id, title, body, author, author_email"
_NEW = "post_id, author, email, body, created_at, job_id"
_COMMENT = f"id, {_NEW}"
_NOTICE = "id, created_at, job_id"
#: Comments on a post that are counted; beyond, it is "more than".
MOST_COUNTED = 9_999


def seed(database: Database) -> None:
    """Put the first posts in, unless they are there."""
    with database.transaction() as transaction:
        transaction.executemany(
            f"INSERT INTO posts ({_POST}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", POSTS
        )


def all_posts(database: Database) -> list[Post]:
    """Every post, the first one first."""
    return [Post(*row) for row in database.read(f"SELECT {_POST} FROM posts ORDER BY id")]


def post(database: Database, post_id: int) -> Post | None:
    """One post, if it is there."""
    row = database.read(f"SELECT {_POST} FROM posts WHERE id = ?", post_id).fetchone()
    return Post(*row) if row else None


def newest_comments(database: Database, post_id: int, limit: int) -> Iterator[Comment]:
    """The newest comments on a post, the newest first; SQLite reads no more than is asked for."""
    sql = f"SELECT {_COMMENT} FROM comments WHERE post_id = ? ORDER BY id DESC LIMIT ?"
    with closing(database.read(sql, post_id, limit)) as rows:
        for row in rows:
            yield Comment(*row)


def comment(database: Database, comment_id: int) -> Comment | None:
    """One comment, if it is there."""
    row = database.read(f"SELECT {_COMMENT} FROM comments WHERE id = ?", comment_id).fetchone()
    return Comment(*row) if row else None


def newest_notices(database: Database, limit: int) -> list[Notice]:
    """Those of the newest comments on any post, the newest first."""
    rows = database.read(f"SELECT {_NOTICE} FROM comments ORDER BY id DESC LIMIT ?", limit)
    return [Notice(*row) for row in rows]


def notice_of_job(database: Database, post_id: int, job_id: str) -> Notice | None:
    """The one that this job sends, among those of the newest 500 comments on a post."""
    sql = f"SELECT {_NOTICE} FROM comments WHERE post_id = ? ORDER BY id DESC LIMIT 500"
    rows = database.read(sql, post_id)
    return next((notice for notice in map(Notice._make, rows) if notice.job_id == job_id), None)


def delete_all_comments(database: Database) -> None:
    """Delete every comment, with its job in the outbox; the next one is number 1.

    The outbox goes on counting: its relay looks for rows behind the last one that it saw.
    """
    with database.transaction() as transaction:
        for table in ("comment_keys", "comments", "outbox"):
            transaction.execute(f"DELETE FROM {table}")
        database.count_anew(transaction, "comments")


def count_comments(database: Database, post_id: int) -> int:
    """How many comments a post has; one more than MOST_COUNTED means any number beyond."""
    sql = "SELECT count(*) FROM (SELECT 1 FROM comments WHERE post_id = ? LIMIT ?) AS counted"
    return int(database.read(sql, post_id, MOST_COUNTED + 1).fetchone()[0])


def add_comment(
    database: Database,
    post_id: int,
    author: str,
    email: str,
    body: str,
    *,
    notify: Task[[int], None],
    keep_job: bool = True,
    key: str = "",
) -> tuple[Comment, Job]:
    """Write a comment, and in the same transaction the job that sends the post's author a mail.

    notify: the task that takes the comment's id. keep_job: False leaves the outbox out, for an
    experiment. key: an idempotency key; a comment that comes again with the same one is stored
    once.
    Raises NoSuchPost, or KeyTaken for the key of another comment, with nothing stored.
    """
    created_at, job_id = time.time(), str(uuid.uuid4())
    with database.transaction() as transaction:
        before = _comment_of_key(transaction, key) if key else None
        if before is not None:
            stored = (before.post_id, before.author, before.email, before.body)
            if stored != (post_id, author, email, body):
                raise KeyTaken(f"the key {key} belongs to the comment {before.id}")
            return before, replace(notify.job(before.id), id=before.job_id)
        try:
            (comment_id,) = transaction.execute(
                f"INSERT INTO comments ({_NEW}) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
                (post_id, author, email, body, created_at, job_id),
            ).fetchone()
        except IntegrityError as error:  # the table refers to `posts`
            raise NoSuchPost(f"there is no post {post_id}") from error
        if key:
            transaction.execute("INSERT INTO comment_keys VALUES (?, ?)", (key, comment_id))
        job = replace(notify.job(comment_id), id=job_id)
        if keep_job:
            outbox.add(transaction, job)
    hit(Step.COMMENT_COMMITTED)
    return Comment(comment_id, post_id, author, email, body, created_at, job_id), job


def _comment_of_key(transaction: Connection, key: str) -> Comment | None:
    row = transaction.execute(
        f"SELECT {_COMMENT} FROM comments WHERE id = "
        "(SELECT comment_id FROM comment_keys WHERE key = ?)",
        (key,),
    ).fetchone()
    return Comment(*row) if row else None

"""Posts and their comments."""

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
    """A post. Its author gets a mail about each comment."""

    id: int
    title: str
    body: str
    author: str
    author_email: str


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment.

    Attributes:
        created_at: seconds since the epoch.
        job_id: the job that sends the comment's mail.
    """

    id: int
    post_id: int
    author: str
    email: str
    body: str
    created_at: float
    job_id: str


class Notice(NamedTuple):
    """A comment and the job that sends its mail.

    Attributes:
        created_at: seconds since the epoch.
    """

    comment_id: int
    created_at: float
    job_id: str


class KeyTaken(ValueError):
    """The idempotency key belongs to another comment."""


class NoSuchPost(LookupError):
    """There is no post with this number."""


_POST = "id, title, body, author, author_email"
_NEW = "post_id, author, email, body, created_at, job_id"
_COMMENT = f"id, {_NEW}"
_NOTICE = "id, created_at, job_id"
#: Limit of the counted comments on a post; for more comments, a page shows "more than 9,999".
MAX_COUNTED = 9_999


def seed(database: Database) -> None:
    with database.transaction() as transaction:
        transaction.executemany(
            f"INSERT INTO posts ({_POST}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", POSTS
        )


def all_posts(database: Database) -> list[Post]:
    return [Post(*row) for row in database.read(f"SELECT {_POST} FROM posts ORDER BY id")]


def post(database: Database, post_id: int) -> Post | None:
    row = database.read(f"SELECT {_POST} FROM posts WHERE id = ?", post_id).fetchone()
    return Post(*row) if row else None


def newest_comments(database: Database, post_id: int, limit: int) -> Iterator[Comment]:
    sql = f"SELECT {_COMMENT} FROM comments WHERE post_id = ? ORDER BY id DESC LIMIT ?"
    with closing(database.read(sql, post_id, limit)) as rows:
        for row in rows:
            yield Comment(*row)


def comment(database: Database, comment_id: int) -> Comment | None:
    row = database.read(f"SELECT {_COMMENT} FROM comments WHERE id = ?", comment_id).fetchone()
    return Comment(*row) if row else None


def newest_notices(database: Database, limit: int) -> list[Notice]:
    rows = database.read(f"SELECT {_NOTICE} FROM comments ORDER BY id DESC LIMIT ?", limit)
    return [Notice(*row) for row in rows]


def notice_of_job(database: Database, post_id: int, job_id: str) -> Notice | None:
    """Return the notice of a job, or None if none of the post's newest 500 comments has the job."""
    sql = f"SELECT {_NOTICE} FROM comments WHERE post_id = ? ORDER BY id DESC LIMIT 500"
    rows = database.read(sql, post_id)
    return next((notice for notice in map(Notice._make, rows) if notice.job_id == job_id), None)


def delete_all_comments(database: Database) -> None:
    """Delete every comment and its job in the outbox. The next comment is number 1.

    The row numbers of the outbox do not start again, since the relay reads only rows after the last
    row that it has read.
    """
    with database.transaction() as transaction:
        for table in ("comment_keys", "comments", "outbox"):
            transaction.execute(f"DELETE FROM {table}")
        database.restart_row_numbers(transaction, "comments")


def count_comments(database: Database, post_id: int) -> int:
    """Return the number of comments on a post, at most MAX_COUNTED + 1."""
    sql = "SELECT count(*) FROM (SELECT 1 FROM comments WHERE post_id = ? LIMIT ?) AS counted"
    return int(database.read(sql, post_id, MAX_COUNTED + 1).fetchone()[0])


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
    """Store a comment and, in the same transaction, the job that sends its mail; return both.

    Args:
        notify: the job's task, which takes the comment's id.
        keep_job: if False, the job is not stored in the outbox.
        key: an idempotency key, or "". If this comment is already stored with the key, return the
            stored comment.

    Raises:
        NoSuchPost: the post does not exist. Nothing is stored.
        KeyTaken: the key belongs to another comment. Nothing is stored.
    """
    created_at, job_id = time.time(), str(uuid.uuid4())
    # PostgreSQL cannot store U+0000
    author, body, key = (text.replace("\0", "\ufffd") for text in (author, body, key))
    with database.transaction() as transaction:
        if key and (before := _comment_of_key(transaction, key)):
            stored = (before.post_id, before.author, before.email, before.body)
            if stored != (post_id, author, email, body):
                raise KeyTaken(f"the key {key} was already used for the comment {before.id}")
            return before, replace(notify.job(before.id), id=before.job_id)
        try:
            (comment_id,) = transaction.execute(
                f"INSERT INTO comments ({_NEW}) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
                (post_id, author, email, body, created_at, job_id),
            ).fetchone()
        except IntegrityError as error:  # the foreign key: an unknown post
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

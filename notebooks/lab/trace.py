"""Follow one comment: the bytes that are stored at every step of its way."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from lab.language import say
from lab.show import Table

if TYPE_CHECKING:
    from lab.running import Lab, Posted


def follow(lab: Lab, posted: Posted) -> Table:
    """What the web app's database, Redis and the inbox hold about this comment."""
    (row,) = rows(lab, "SELECT * FROM comments WHERE id = ?", posted.comment_id)
    found = [(say("SQLite, table comments"), json.dumps(dict(row)))]
    job: list[str] = lab.redis.lrange(f"job:{posted.job_id}", 0, -1)
    found.append((say("Redis, the job's message"), job[0] if job else say("nothing")))
    found += [(say("Redis, the job's history"), line) for line in job[1:]]
    mail = _mail(lab, posted)
    if mail:
        found.append((say("the mail, as it was received"), mail))
    marked = (posted.job_id, "comment_id")
    caption = say("Comment {n}", n=posted.comment_id)
    return Table(("step", "stored bytes"), found, caption, code=True, marked=marked)


def database(lab: Lab) -> Path:
    """The file of the web app's database."""
    return lab.stack.plan.folder.path / "blog.sqlite3"


def rows(lab: Lab, question: str, *values: Any) -> list[Any]:
    """What the web app's database answers to this SQL."""
    with closing(sqlite3.connect(database(lab))) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute(question, values).fetchall()


def raw_mail(lab: Lab, number: int) -> str:
    """A mail of the inbox, as it was received."""
    ready = lab.stack.ready
    bearer = {"authorization": f"Bearer {ready['token']}"}
    return httpx.get(f"{ready['inbox']}/api/messages/{number}/raw", headers=bearer).text


def _mail(lab: Lab, posted: Posted) -> str:
    for mail in lab.client.mails()["messages"]:
        if mail["job_id"] == posted.job_id:
            return raw_mail(lab, mail["id"])
    return ""

"""One comment on its way: the bytes at every station, as they really lie there."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import httpx

from lab.show import Table

if TYPE_CHECKING:
    from lab.running import Lab, Posted


def follow(lab: Lab, posted: Posted) -> Table:
    """What of this comment can be found in the web app's database, in Redis, and in the inbox."""
    found = [("SQLite, table comments", _row(lab, posted))]
    job: list[str] = lab.redis.lrange(f"job:{posted.job_id}", 0, -1)
    found.append(("Redis, the job's message", job[0] if job else "nothing"))
    found += [("Redis, the job's history", line) for line in job[1:]]
    mail = _mail(lab, posted)
    if mail:
        found.append(("the mail, as it was received", mail))
    marked = (posted.job_id, "comment_id")
    caption = f"Comment {posted.comment_id}"
    return Table(("station", "bytes"), found, caption, code=True, marked=marked)


def rows(lab: Lab, question: str) -> list[tuple[Any, ...]]:
    """What the web app's database answers."""
    with closing(sqlite3.connect(_database(lab))) as database:
        return database.execute(question).fetchall()


def _row(lab: Lab, posted: Posted) -> str:
    with closing(sqlite3.connect(_database(lab))) as database:
        database.row_factory = sqlite3.Row
        asked = "SELECT * FROM comments WHERE id = ?"
        row = database.execute(asked, (posted.comment_id,)).fetchone()
    return json.dumps(dict(row))


def _database(lab: Lab) -> Any:
    return lab.stack.plan.folder.path / "blog.sqlite3"


def _mail(lab: Lab, posted: Posted) -> str:
    ready = lab.stack.ready
    with httpx.Client(
        base_url=ready["inbox"], headers={"authorization": f"Bearer {ready['token']}"}
    ) as inbox:
        for mail in lab.client.mails()["messages"]:
            if mail["job_id"] == posted.job_id:
                return inbox.get(f"/api/messages/{mail['id']}/raw").text
    return ""

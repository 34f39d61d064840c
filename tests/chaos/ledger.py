"""What became of every comment, in numbers. Whether the promise held is for `check` to say."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from demo_app.backends.stock import held_by_kombu
from demo_app.settings import settings
from demo_app.stack.client import Client


@dataclass(frozen=True, slots=True)
class Ledger:
    """What it comes down to.

    comments: stored, and so shown to every reader. mails: those of them whose mail has come.
    missing: the jobs of the others. waiting: how many of these somebody still holds (of stock
    Celery: they come back when the visibility timeout ends). suppressed: came a second time and not
    shown. uncertain: mails that were sent again because nobody could know.
    late: acknowledgements that came after a rescue.
    by_hand: given up by rule, and brought back as a person would, by reason. travels: when a
    comment was written, and when its mail came, but for those that were brought back by hand.
    """

    comments: int
    mails: int
    missing: frozenset[str]
    waiting: int
    suppressed: int
    uncertain: int
    late: int
    conserved: bool
    by_hand: dict[str, int]
    travels: tuple[tuple[float, float], ...]


def rows(file: Path, sql: str) -> list[Any]:
    """What a database of the stack answers, past the process that works with it."""
    with closing(sqlite3.connect(file, timeout=30.0)) as database:
        return database.execute(sql).fetchall()


def comments_of(folder: Path) -> dict[int, tuple[str, float]]:
    """Every comment's number, with its job's id and when it was written."""
    found = rows(folder / "blog.sqlite3", "SELECT id, job_id, created_at FROM comments")
    return {number: (job, at) for number, job, at in found}


def settle(client: Client, folder: Path, *, stock: bool, by_hand: dict[str, str]) -> Ledger:
    """Compare everything; the system is quiet, or as quiet as it gets."""
    comments = comments_of(folder)
    mails = client.all_mails()
    wanted = {job for job, _ in comments.values()}
    missing = wanted - {mail["job_id"] for mail in mails}
    summary = client.summary()
    held = set[str]()
    if stock:
        has = held_by_kombu(client.redis(), settings().queues)
        held = {*has.waiting, *has.taken}
    first: dict[str, float] = {}
    for mail in mails:
        at = datetime.fromisoformat(mail["received_at"]).timestamp()
        first[mail["job_id"]] = min(at, first.get(mail["job_id"], at))
    return Ledger(
        comments=len(comments),
        mails=len(wanted - missing),
        missing=frozenset(missing),
        waiting=len(missing & held),
        suppressed=sum(mail["deliveries"] - 1 for mail in mails),
        uncertain=sum(mail["deliveries"] > 1 for mail in mails),
        late=int(summary["late"]),
        conserved=stock or bool(summary["conserved"]),
        by_hand=dict(Counter(_reason(why) for why in by_hand.values())),
        travels=tuple(
            (at, first[job]) for job, at in comments.values() if job in first and job not in by_hand
        ),
    )


def _reason(why: str) -> str:
    return "rescued too often" if why.startswith("poison") else "refused for good"

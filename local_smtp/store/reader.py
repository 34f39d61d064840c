"""The statements that read. Each call opens the file anew: any thread may call."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local_smtp.store.database import open_for_reading
from local_smtp.store.search import parse


@dataclass(frozen=True, slots=True)
class Stats:
    """Mails taken in, so many different ones, so many that came again; and refusals."""

    accepted: int
    distinct: int
    duplicates: int
    refused: int


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A row of the inbox; times are Unix seconds, sizes bytes."""

    id: int
    message_id: str | None
    sender: str
    recipients: list[str]
    subject: str
    author: str
    job_id: str | None
    received_at: float
    size: int
    unread: bool
    deliveries: int


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """One time that a mail was brought."""

    id: int
    received_at: float
    replied_at: float | None
    reply: str | None
    sender: str
    recipients: list[str]
    peer: str
    size: int
    same_bytes: bool
    rule: str | None
    dialogue: list[tuple[float, str, str]]


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the mails that match, newest first; `next` is where the rest begins."""

    total: int
    mails: list[StoredMail]
    next: int | None


_MAIL = (
    "SELECT id, message_id, sender, recipients, subject, author, job_id, received_at, size,"
    " unread, (SELECT count(*) FROM deliveries WHERE message = messages.id) AS deliveries"
    " FROM messages"
)


class Reader:
    """Looks into the store."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def stats(self) -> Stats:
        """Count."""
        with self._snapshot() as connection:
            (accepted,) = connection.execute("SELECT count(*) FROM deliveries").fetchone()
            (distinct,) = connection.execute("SELECT count(*) FROM messages").fetchone()
            (refused,) = connection.execute(
                "SELECT value FROM counters WHERE name = 'refused'"
            ).fetchone()
        return Stats(accepted, distinct, accepted - distinct, refused)

    def page(self, search: str, limit: int, before: int | None) -> Page:
        """List mails newest first, from the one before `before` on.

        Rows are numbered as they come and numbers are never used again, so that a page
        stays right while mails arrive and go.
        """
        conditions = parse(search)
        where = " AND ".join(["pruned = 0", *(condition.sql for condition in conditions)])
        values = [value for condition in conditions for value in condition.values]
        with self._snapshot() as connection:
            (total,) = connection.execute(
                f"SELECT count(*) FROM messages WHERE {where}", values
            ).fetchone()
            rows = connection.execute(
                f"{_MAIL} WHERE {where} AND id < ? ORDER BY id DESC LIMIT ?",
                [*values, 2**63 - 1 if before is None else before, limit + 1],
            ).fetchall()
        mails = [_mail(row) for row in rows[:limit]]
        return Page(total, mails, mails[-1].id if len(rows) > limit else None)

    def unread(self) -> int:
        """Count the mails that nobody has opened."""
        with self._snapshot() as connection:
            (count,) = connection.execute(
                "SELECT count(*) FROM messages WHERE pruned = 0 AND unread = 1"
            ).fetchone()
        return int(count)

    def mails(self, ids: Sequence[int]) -> dict[int, StoredMail]:
        """Return those of these mails that are there."""
        marks = ", ".join("?" * len(ids))
        with self._snapshot() as connection:
            rows = connection.execute(
                f"{_MAIL} WHERE pruned = 0 AND id IN ({marks})", list(ids)
            ).fetchall()
        return {row["id"]: _mail(row) for row in rows}

    def raw(self, message: int) -> bytes | None:
        """Return a mail as it was received, or None if it isn't there."""
        with self._snapshot() as connection:
            row = connection.execute(
                "SELECT raw FROM contents WHERE message = ?", (message,)
            ).fetchone()
        return None if row is None else row["raw"]

    def deliveries(self, message: int) -> list[StoredDelivery]:
        """Return each time that a mail was brought, in order."""
        with self._snapshot() as connection:
            rows = connection.execute(
                "SELECT * FROM deliveries WHERE message = ? ORDER BY id", (message,)
            ).fetchall()
        return [_delivery(row) for row in rows]

    @contextmanager
    def _snapshot(self) -> Iterator[sqlite3.Connection]:
        connection = open_for_reading(self._path)
        try:
            connection.execute("BEGIN")
            yield connection
        finally:
            connection.close()


def _mail(row: sqlite3.Row) -> StoredMail:
    values = dict(row)
    values["recipients"] = json.loads(values["recipients"])
    values["unread"] = bool(values["unread"])
    return StoredMail(**values)


def _delivery(row: sqlite3.Row) -> StoredDelivery:
    values = dict(row)
    del values["message"]
    values["recipients"] = json.loads(values["recipients"])
    values["same_bytes"] = bool(values["same_bytes"])
    values["dialogue"] = [tuple(line) for line in json.loads(values["dialogue"])]
    return StoredDelivery(**values)

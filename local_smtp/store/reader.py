"""The SQL statements that read. Each call opens its own connection, so any thread may read."""

import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from local_smtp.bounds import DELIVERIES
from local_smtp.models import Delivery, DialogueLine, Mail, MailPage, Stats

_MAIL = (
    "SELECT id, message_id, sender, recipients, subject, author, job_id, received_at, size,"
    " (SELECT count(*) FROM deliveries WHERE message = messages.id) AS deliveries"
    " FROM messages"
)
_SEARCHED = (
    "(subject || ' ' || author || ' ' || sender || ' ' || recipients || ' '"
    " || coalesce(message_id, '') || ' ' || coalesce(job_id, '')) LIKE ? ESCAPE '\\'"
)


class Reader:
    """The queries on the database of a sink."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def stats(self) -> Stats:
        ((accepted, distinct, refused),) = self._rows(
            "SELECT (SELECT count(*) FROM deliveries), (SELECT count(*) FROM messages), value"
            " FROM counters WHERE name = 'refused'"
        )
        return Stats(
            accepted=accepted, distinct=distinct, duplicates=accepted - distinct, refused=refused
        )

    def page(self, words: str, limit: int, before: int | None) -> MailPage:
        """Return a page of the mails that contain all the words, newest first.

        The search covers subject, senders, recipients, Message-ID and job id, not the text. The id
        of a deleted mail is not used again, so the next page is correct even if mails arrive or are
        deleted meanwhile.

        Args:
            words: the words, separated by blanks; "" for all mails.
            before: return only mails with a smaller id; None for all.
        """
        escaped = re.sub(r"[\\%_]", r"\\\g<0>", words.replace("\0", " "))  # LIKE's wildcards
        values = [f"%{word}%" for word in escaped.split()]
        where = " AND ".join(["true", *[_SEARCHED] * len(values)])
        with self._snapshot() as connection:
            count = f"SELECT count(*) FROM messages WHERE {where}"
            (total,) = connection.execute(count, values).fetchone()
            rows = connection.execute(
                f"{_MAIL} WHERE {where} AND id < ? ORDER BY id DESC LIMIT ?",
                [*values, 2**63 - 1 if before is None else before, limit + 1],
            ).fetchall()
        mails = [_mail(row) for row in rows[:limit]]
        following = str(mails[-1].id) if len(rows) > limit else None
        return MailPage(total=total, messages=mails, next=following)

    def mails(self, ids: Sequence[int]) -> dict[int, Mail]:
        """Return the mails with these ids, by id. Ids without a mail are left out."""
        marks = ", ".join("?" * len(ids))
        rows = self._rows(f"{_MAIL} WHERE id IN ({marks})", *ids)
        return {row["id"]: _mail(row) for row in rows}

    def raw(self, message: int) -> bytes | None:
        rows = self._rows("SELECT raw FROM contents WHERE message = ?", message)
        return rows[0]["raw"] if rows else None

    def deliveries(self, message: int) -> list[Delivery]:
        """Return the latest deliveries of a mail, the oldest of them first."""
        latest = "SELECT * FROM deliveries WHERE message = ? ORDER BY id DESC LIMIT ?"
        rows = self._rows(latest, message, DELIVERIES)
        return [_delivery(row) for row in reversed(rows)]

    def _rows(self, question: str, *values: Any) -> list[sqlite3.Row]:
        with self._snapshot() as connection:
            return connection.execute(question, values).fetchall()

    @contextmanager
    def _snapshot(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
            yield connection


def _mail(row: sqlite3.Row) -> Mail:
    return Mail(**{**dict(row), "recipients": json.loads(row["recipients"])})


def _delivery(row: sqlite3.Row) -> Delivery:
    dialogue = [DialogueLine(*line) for line in json.loads(row["dialogue"])]
    if row["replied_at"] is not None:
        dialogue.append(DialogueLine(row["replied_at"], "S", row["reply"]))
    values = {**dict(row), "recipients": json.loads(row["recipients"]), "dialogue": dialogue}
    return Delivery(**values)

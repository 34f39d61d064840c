"""The SQL statements that write; `store.writer` runs them."""

import json
import sqlite3
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, cast

from local_smtp.mail import Incoming


@dataclass(frozen=True, slots=True)
class Receipt:
    """The ids of a stored delivery and of its mail."""

    #: The id of the mail; for a duplicate, the id of the mail that arrived first.
    message: int
    delivery: int
    duplicate: bool


def store(connection: sqlite3.Connection, mail: Incoming) -> Receipt:
    """Store a mail. If its Message-ID is already stored, store only the delivery."""
    both = {
        "sender": mail.sender,
        "recipients": json.dumps(mail.recipients, ensure_ascii=False),
        "received_at": mail.received_at,
        "size": len(mail.raw),
    }
    digest = blake2b(mail.raw, digest_size=16).digest()
    known = "SELECT id, digest FROM messages WHERE message_id = ?"
    first = connection.execute(known, (mail.headers.message_id,)).fetchone()
    if first is None:
        values = {**both, **asdict(mail.headers), "digest": digest}
        message, first_digest = _insert(connection, "messages", values), digest
        connection.execute("INSERT INTO contents VALUES (?, ?)", (message, mail.raw))
    else:
        message, first_digest = first
    only = {"peer": mail.peer, "dialogue": mail.dialogue, "same_bytes": digest == first_digest}
    delivery = _insert(connection, "deliveries", {**both, **only, "message": message})
    return Receipt(message, delivery, duplicate=first is not None)


def _insert(connection: sqlite3.Connection, table: str, row: dict[str, Any]) -> int:
    """Insert a row and return its id."""
    marks = ", ".join("?" * len(row))
    sql = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})"
    return cast(int, connection.execute(sql, list(row.values())).lastrowid)


def note_reply(connection: sqlite3.Connection, delivery: int, at: float, reply: str) -> None:
    replied = "UPDATE deliveries SET replied_at = ?, reply = ? WHERE id = ?"
    connection.execute(replied, (at, reply, delivery))


def note_refusal(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE counters SET value = value + 1 WHERE name = 'refused'")


def delete_all(connection: sqlite3.Connection) -> int:
    """Empty the inbox and set its counters to zero. Return the number of deleted mails."""
    connection.execute("UPDATE counters SET value = 0")
    return connection.execute("DELETE FROM messages").rowcount

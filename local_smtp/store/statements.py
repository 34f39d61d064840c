"""The SQL statements that write; `store.writer` runs them."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass
from hashlib import blake2b

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
    values = {
        **asdict(mail.headers),
        "sender": mail.sender,
        "recipients": json.dumps(mail.recipients, ensure_ascii=False),
        "peer": mail.peer,
        "received_at": mail.received_at,
        "dialogue": mail.dialogue,
        "size": len(mail.raw),
        "digest": blake2b(mail.raw, digest_size=16).digest(),
    }
    inserted = connection.execute(
        "INSERT INTO messages (message_id, sender, recipients, subject, author, job_id,"
        " received_at, size, digest) VALUES (:message_id, :sender, :recipients, :subject,"
        " :author, :job_id, :received_at, :size, :digest) ON CONFLICT (message_id) DO NOTHING",
        values,
    )
    duplicate = inserted.rowcount == 0
    same_bytes = True
    if duplicate:
        message, first_digest = connection.execute(
            "SELECT id, digest FROM messages WHERE message_id = ?", (mail.headers.message_id,)
        ).fetchone()
        same_bytes = values["digest"] == first_digest
    else:
        message = inserted.lastrowid
        connection.execute("INSERT INTO contents VALUES (?, ?)", (message, mail.raw))
    delivery = connection.execute(
        "INSERT INTO deliveries (message, received_at, sender, recipients, peer, size,"
        " same_bytes, dialogue) VALUES (:message, :received_at, :sender, :recipients, :peer, :size,"
        " :same_bytes, :dialogue)",
        {**values, "message": message, "same_bytes": same_bytes},
    ).lastrowid
    assert message is not None
    assert delivery is not None
    return Receipt(message, delivery, duplicate)


def note_reply(connection: sqlite3.Connection, delivery: int, at: float, reply: str) -> None:
    connection.execute(
        "UPDATE deliveries SET replied_at = ?, reply = ? WHERE id = ?", (at, reply, delivery)
    )


def note_refusal(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE counters SET value = value + 1 WHERE name = 'refused'")


def delete_all(connection: sqlite3.Connection) -> int:
    """Empty the inbox and set its counters to zero. Return the number of deleted mails."""
    for table in ("deliveries", "contents"):
        connection.execute(f"DELETE FROM {table}")
    connection.execute("UPDATE counters SET value = 0")
    return connection.execute("DELETE FROM messages").rowcount

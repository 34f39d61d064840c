"""The statements that write: a mail in, a mail out."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass
from hashlib import blake2b

from local_smtp.bounds import DELIVERIES
from local_smtp.mail import Incoming


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of one delivery."""

    #: The row of the mail: an older one for a duplicate.
    message: int
    delivery: int
    duplicate: bool


def store(connection: sqlite3.Connection, mail: Incoming) -> Receipt:
    """Store a mail, or only the fact that it came again."""
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
        _count(connection, "kept_bytes", len(mail.raw))
    delivery = connection.execute(
        "INSERT INTO deliveries (message, received_at, sender, recipients, peer, size,"
        " same_bytes, dialogue) VALUES (:message, :received_at, :sender, :recipients, :peer, :size,"
        " :same_bytes, :dialogue)",
        {**values, "message": message, "same_bytes": same_bytes},
    ).lastrowid
    if duplicate:  # of what is shown no more, only that it came is kept
        connection.execute(
            "UPDATE deliveries SET recipients = '[]', dialogue = '[]' WHERE id = (SELECT id FROM"
            " deliveries WHERE message = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (message, DELIVERIES),
        )
    assert message is not None
    assert delivery is not None
    return Receipt(message, delivery, duplicate)


def note_reply(connection: sqlite3.Connection, delivery: int, at: float, reply: str) -> None:
    """Note that the reply to a delivery went out."""
    connection.execute(
        "UPDATE deliveries SET replied_at = ?, reply = ? WHERE id = ?", (at, reply, delivery)
    )


def note_refusal(connection: sqlite3.Connection) -> None:
    """Count a mail that was turned away."""
    _count(connection, "refused", 1)


def _count(connection: sqlite3.Connection, name: str, more: int) -> None:
    connection.execute("UPDATE counters SET value = value + ? WHERE name = ?", (more, name))


def prune(connection: sqlite3.Connection, keep_bytes: int) -> None:
    """Drop the content of the oldest mails until that of the others has `keep_bytes` at most."""
    (kept,) = connection.execute("SELECT value FROM counters WHERE name = 'kept_bytes'").fetchone()
    shown = connection.execute("SELECT id, size FROM messages WHERE pruned = 0 ORDER BY id")
    last, left = 0, kept
    while left > keep_bytes:
        last, size = shown.fetchone()
        left -= size
    if last:
        connection.execute("DELETE FROM contents WHERE message <= ?", (last,))
        connection.execute("UPDATE messages SET pruned = 1 WHERE pruned = 0 AND id <= ?", (last,))
        _count(connection, "kept_bytes", left - kept)


def delete_all(connection: sqlite3.Connection) -> int:
    """Empty the inbox and set its counters to zero; return how many mails were shown."""
    count: int = connection.execute("SELECT count(*) FROM messages WHERE pruned = 0").fetchone()[0]
    for table in ("deliveries", "contents", "messages"):
        connection.execute(f"DELETE FROM {table}")
    connection.execute("UPDATE counters SET value = 0")
    return count

"""The search index: written behind the mails, and always caught up before a search."""

import json
import sqlite3

from local_smtp.parts import plain_text

_AT_A_TIME = 50
_RAW_LIMIT = 1024 * 1024
_TEXT_LIMIT = 64 * 1024


def index_some(connection: sqlite3.Connection) -> bool:
    """Index the next few mails; return whether more are waiting."""
    (last,) = connection.execute("SELECT value FROM counters WHERE name = 'indexed'").fetchone()
    pending = connection.execute(
        "SELECT id, subject, sender || ' ' || author, recipients, substr(raw, 1, ?)"
        " FROM messages LEFT JOIN contents ON message = id WHERE id > ? ORDER BY id LIMIT ?",
        (_RAW_LIMIT, last, _AT_A_TIME),
    ).fetchall()
    for message, subject, sender, recipients, raw in pending:
        if raw is not None:
            text = plain_text(raw)[:_TEXT_LIMIT]
            connection.execute(
                "INSERT INTO search (rowid, subject, sender, recipients, body)"
                " VALUES (?, ?, ?, ?, ?)",
                (message, subject, sender, " ".join(json.loads(recipients)), text),
            )
    if pending:
        connection.execute(
            "UPDATE counters SET value = ? WHERE name = 'indexed'", (pending[-1][0],)
        )
    return len(pending) == _AT_A_TIME

"""Huey's SQLite file, with a table of our own in it: what became of each job, and who took it."""

from __future__ import annotations

import os
import sqlite3

from huey.storage import SqliteStorage

_JOBS = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY,
    job TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    errors TEXT NOT NULL DEFAULT '[]',
    value TEXT NOT NULL DEFAULT 'null',
    reason TEXT NOT NULL DEFAULT '',
    started_at REAL,
    finished_at REAL,
    worker INTEGER
) STRICT
"""
_TAKEN = """
CREATE TRIGGER IF NOT EXISTS taken_from_{table} AFTER DELETE ON {table} BEGIN
    UPDATE jobs SET worker = pid() WHERE id = json_extract(old.data, '$[0]');
END
"""


class Storage(SqliteStorage):  # type: ignore[misc]
    """Huey's storage, which notes who takes a job in the same transaction that deletes it from
    huey's tables.

    Between the two a consumer that is killed would leave a job that waits nowhere, and of which
    nobody knows that it has to be put back.
    """

    ddl = (
        *SqliteStorage.ddl,
        _JOBS,
        *(_TAKEN.format(table=table) for table in ("task", "schedule")),
    )

    def _create_connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection = super()._create_connection()
        connection.create_function("pid", 0, os.getpid)
        return connection

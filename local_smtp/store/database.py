"""Opens the sink's one database file."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_smtp.store.schema import SCHEMA


def open_database(path: Path) -> sqlite3.Connection:
    """Open (and create, if need be) the database for the writer.

    WAL with `synchronous=FULL` makes a commit durable before it returns, and lets others
    read meanwhile.

    Raises:
        sqlite3.Error: the file can't be written, is no database, or SQLite lacks FTS5.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.executescript(SCHEMA)
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open the database so that nothing can be changed through it."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA query_only = ON")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Commit what is done inside, durably, or leave nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has already rolled it back
            connection.execute("ROLLBACK")
        raise

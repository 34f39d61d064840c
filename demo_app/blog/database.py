"""The blog's SQLite file: opening it, its tables, its transactions."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

_TABLES = """
CREATE TABLE IF NOT EXISTS posts (
    id INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    author TEXT NOT NULL,
    author_email TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS comments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    post_id INTEGER NOT NULL REFERENCES posts (id),
    author TEXT NOT NULL,
    email TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at REAL NOT NULL,
    job_id TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS comments_by_post ON comments (post_id, id);
CREATE TABLE IF NOT EXISTS pictures (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    owner_email TEXT NOT NULL,
    uploaded_at REAL NOT NULL,
    content BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL UNIQUE,
    job TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS comment_keys (
    key TEXT PRIMARY KEY,
    comment_id INTEGER NOT NULL REFERENCES comments (id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blog (id TEXT NOT NULL) STRICT;
INSERT INTO blog SELECT lower(hex(randomblob(8))) WHERE NOT EXISTS (SELECT 1 FROM blog);
"""


class DatabaseMissing(OSError):
    """There is no blog at the path: it is not there yet, or this machine does not see it."""


class Database:
    """One SQLite file, with one connection a thread.

    create: make the file and its tables where they are missing, as the web app does. A worker
    must not: in an empty blog of its own it would find no comment.
    Raises DatabaseMissing when there is no blog and none may be made.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        self._local = threading.local()
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.connection().executescript(_TABLES)
        elif not _has_posts(path):
            raise DatabaseMissing(f"there is no blog at {path.absolute()}")

    @property
    def id(self) -> str:
        """What tells this blog from every other."""
        return str(self.connection().execute("SELECT id FROM blog").fetchone()[0])

    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self.path, timeout=10.0, isolation_level=None)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            # FULL: on disk before the commit returns, so that a power failure takes no comment
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._local.connection = connection
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing of it; on disk when the block has ended."""
        connection = self.connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")  # fails on a full disk, and leaves the transaction open
        except BaseException:
            if connection.in_transaction:  # SQLite may have rolled it back itself
                connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None


def _has_posts(path: Path) -> bool:
    """Whether a blog is there; makes no file."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as file:
            return file.execute("SELECT 1 FROM posts").fetchone() is not None
    except sqlite3.Error:
        return False

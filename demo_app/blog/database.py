"""The blog's database: a SQLite file, or PostgreSQL when a setting names one (see `postgres`)."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from demo_app.blog.tables import TABLES

#: What either database raises when it can't do now what it is asked, and when a row would refer to
#: none: PostgreSQL's errors are turned into those of SQLite, so that one `except` catches both.
DatabaseDown = sqlite3.OperationalError
IntegrityError = sqlite3.IntegrityError
#: Seconds for which a transaction waits for others.
_PATIENCE = 10.0
_NAME = "INSERT INTO blog SELECT ? WHERE NOT EXISTS (SELECT 1 FROM blog)"


class DatabaseMissing(OSError):
    """There is no blog: not yet, or this machine does not see it; says why."""


class Connection(Protocol):
    """What runs a statement, with ? for each value; outside of a transaction one that reads."""

    def execute(self, sql: str, values: Sequence[Any] = ..., /) -> Any:
        """Run it once; returns a cursor, as PEP 249 has it."""

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> Any:
        """Run it for each row of values."""

    def close(self) -> None:
        """Close it."""


class Database(ABC):
    """A database with one connection a thread. where: its address, for messages."""

    def __init__(self, where: str) -> None:
        self.where = where
        self._local = threading.local()

    @property
    def id(self) -> str:
        """What tells this blog from every other."""
        return str(self.read("SELECT id FROM blog").fetchone()[0])

    def connection(self) -> Connection:
        """This thread's connection."""
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
        return connection

    def read(self, sql: str, *values: Any) -> Any:
        """Run one statement that reads, with ? for each value; returns a cursor."""
        return self.connection().execute(sql, values)

    @abstractmethod
    def _connect(self) -> Connection: ...

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Connection]:
        """All of it or nothing of it; on disk when the block has ended. One at a time."""

    @abstractmethod
    def sync_later(self) -> None:
        """What this thread writes may reach the disk later."""

    @abstractmethod
    def count_anew(self, transaction: Connection, table: str) -> None:
        """The next row of the table, which is empty, is number 1."""

    def close(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def _name(self) -> None:
        """Give the blog its id, unless it has one."""
        with self.transaction() as transaction:
            transaction.execute(_NAME, (secrets.token_hex(8),))


class SqliteDatabase(Database):
    """One SQLite file.

    create: make the file and its tables where they are missing, as the web app does. A worker
    must not: in an empty blog of its own it would find no comment.
    Raises DatabaseMissing when there is no blog and none may be made.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        super().__init__(str(path.absolute()))
        self._path = path
        # in SQLite, who waits looks again after up to 0.1 s, and each time others may be first
        self._writing = threading.Lock()
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._own().executescript(TABLES)
            self._name()
        elif not _has_posts(path):
            raise DatabaseMissing(f"there is no blog at {self.where}")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: on disk before the commit returns, so that a power failure takes no comment
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _own(self) -> sqlite3.Connection:
        connection = self.connection()
        assert isinstance(connection, sqlite3.Connection)
        return connection

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """See `Database`."""
        connection = self._own()
        if not self._writing.acquire(timeout=_PATIENCE):
            raise DatabaseDown("database is locked")
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")  # fails on a full disk, and leaves the transaction open
        except BaseException:
            if connection.in_transaction:  # SQLite may have rolled it back itself
                connection.execute("ROLLBACK")
            raise
        finally:
            self._writing.release()

    def sync_later(self) -> None:
        """See `Database`."""
        self.connection().execute("PRAGMA synchronous = NORMAL")

    def count_anew(self, transaction: Connection, table: str) -> None:
        """See `Database`."""
        transaction.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))


def _has_posts(path: Path) -> bool:
    """Whether a blog is there; makes no file."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as file:
            return file.execute("SELECT 1 FROM posts").fetchone() is not None
    except sqlite3.Error:
        return False

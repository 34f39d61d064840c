"""The blog's database: a SQLite file, or PostgreSQL if a setting names one (see `postgres`)."""

import secrets
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from demo_app.blog.tables import TABLES

#: DatabaseDown: the database is unavailable. IntegrityError: a foreign key is violated. Errors of
#: PostgreSQL are converted to these classes of SQLite, so that one `except` catches both.
DatabaseDown = sqlite3.OperationalError
IntegrityError = sqlite3.IntegrityError
#: Seconds that a transaction waits for other transactions to end.
_PATIENCE = 10.0
_NAME = "INSERT INTO blog SELECT ? WHERE NOT EXISTS (SELECT 1 FROM blog)"


class DatabaseMissing(OSError):
    """The blog's database does not exist yet, or cannot be used. The message says why."""


class Connection(Protocol):
    """A connection to a database. Callers may write only inside a transaction."""

    def execute(self, sql: str, values: Sequence[Any] = ..., /) -> Any:
        """Run a statement with ? for each value, and return a cursor (PEP 249)."""

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> Any:
        """Run a statement for each row of values."""

    def close(self) -> None:
        """Close the connection."""


class Database(ABC):
    """A database with one connection for each thread.

    Attributes:
        where: its path or URL, for messages.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self._local = threading.local()

    @property
    def id(self) -> str:
        return str(self.read("SELECT id FROM blog").fetchone()[0])

    def connection(self) -> Connection:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
        return connection

    def read(self, sql: str, *values: Any) -> Any:
        """Run a query with ? for each value, and return a cursor."""
        return self.connection().execute(sql, values)

    @abstractmethod
    def _connect(self) -> Connection: ...

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Connection]:
        """Run the block as one transaction: commit at its end, or roll back if it raises.

        After the block, the commit is on disk (but see `sync_later`). Transactions run one at a
        time.

        Raises:
            DatabaseDown: the database is unavailable, or another transaction takes too long.
        """

    @abstractmethod
    def sync_later(self) -> None:
        """Let this thread's commits return before they are on disk.

        Call this method before the thread uses the database.
        """

    @abstractmethod
    def restart_row_numbers(self, transaction: Connection, table: str) -> None:
        """Restart the row numbers of an empty table at 1."""

    def close(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def _name(self) -> None:
        with self.transaction() as transaction:
            transaction.execute(_NAME, (secrets.token_hex(8),))


class SqliteDatabase(Database):
    """A SQLite file.

    Args:
        path: the file.
        create: create the file and its tables if they are missing. The web app passes True. A
            worker passes False, so that it does not start with a new, empty blog.

    Raises:
        DatabaseMissing: `create` is False and the blog does not exist, or the file cannot be used.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        super().__init__(str(path.absolute()))
        self._path = path
        # threads wait for this lock, since SQLite's own wait polls every 0.1 s and is not fair
        self._writing = threading.Lock()
        if create:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                for statement in TABLES.split(";"):
                    self.connection().execute(statement)
                self._name()
            except (OSError, sqlite3.Error) as error:
                raise DatabaseMissing(f"{self.where} can't be used: {error}") from error
        elif not _has_posts(path):
            raise DatabaseMissing(
                f"there is no blog at {self.where}. Start the web app: it creates the blog"
            )

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: a commit is on disk before it returns, and survives a power failure
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        connection = self.connection()
        assert isinstance(connection, sqlite3.Connection)
        if not self._writing.acquire(timeout=_PATIENCE):
            raise DatabaseDown("database is locked")
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")  # fails on a full disk, and the transaction stays open
        except BaseException:
            if connection.in_transaction:  # SQLite may have rolled back already
                connection.execute("ROLLBACK")
            raise
        finally:
            self._writing.release()

    def sync_later(self) -> None:
        self.connection().execute("PRAGMA synchronous = NORMAL")

    def restart_row_numbers(self, transaction: Connection, table: str) -> None:
        transaction.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))


def _has_posts(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as file:
            return file.execute("SELECT 1 FROM posts").fetchone() is not None
    except sqlite3.Error:
        return False

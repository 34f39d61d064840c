"""PostgreSQL as the blog's database, for web apps and workers on several machines.

This module and its driver are imported only if a setting names a PostgreSQL database.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from demo_app.blog.database import (
    Connection,
    Database,
    DatabaseDown,
    DatabaseMissing,
    IntegrityError,
)
from demo_app.blog.tables import TABLES, in_postgres
from demo_app.broker.connection import masked

#: The oldest supported version: older servers round floating-point numbers.
OLDEST = 12
#: Parameters of a connection, unless the URL sets others. A server that does not respond within
#: these times counts as down.
_DEFAULTS = (
    "client_encoding=utf8 connect_timeout=5 tcp_user_timeout=10000 "
    "keepalives_idle=5 keepalives_interval=2 keepalives_count=3"
)
#: A commit is on disk before it returns. A statement waits for a lock for at most 10 s, as with
#: SQLite. If a client vanishes during a transaction, the server releases the client's lock after
#: 10 s.
_SESSION = """
SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') IN ('off', 'local');
SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '10s';
"""
#: Allow one writer at a time, as SQLite's BEGIN IMMEDIATE does. Row numbers are assigned before the
#: commit: without the lock, row 8 could be visible before row 7, and the relay, which continues
#: after the last row that it has read, would skip 7. With READ COMMITTED, a transaction finds
#: idempotency keys that were committed while it waited for the lock.
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(7236279)"


class PostgresDatabase(Database):
    """A PostgreSQL database. See `SqliteDatabase` for `create`.

    Raises:
        DatabaseMissing: `create` is False and the blog does not exist, or the server cannot be
            used.
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        super().__init__(masked(url))
        self._url = url
        check(url)
        try:
            if create:
                with self.transaction() as transaction:
                    for statement in in_postgres(TABLES).split(";"):
                        transaction.execute(statement)
                self._name()
            elif not self._has_posts():
                raise DatabaseMissing(
                    f"there is no blog at {self.where}. Start the web app: it creates the blog"
                )
        except DatabaseDown as error:
            raise _refusal(self.where, error.__cause__ or error) from None

    def _connect(self) -> Connection:
        return _Session(self._url, _SESSION + getattr(self._local, "further", ""))

    def _has_posts(self) -> bool:
        exists = self.read("SELECT to_regclass('posts') IS NOT NULL").fetchone()[0]
        return exists and self.read("SELECT 1 FROM posts LIMIT 1").fetchone() is not None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        session = self.connection()
        assert isinstance(session, _Session)
        try:
            session.execute(_BEGIN)
            session.in_transaction = True
            yield session
            # after a failed statement, COMMIT does not fail, but replies ROLLBACK
            if session.execute("COMMIT").statusmessage != "COMMIT":
                raise DatabaseDown("the transaction was rolled back")
            session.in_transaction = False
        except BaseException:
            session.roll_back()
            raise

    def sync_later(self) -> None:
        # each connection that this thread opens from now on begins with this statement
        self._local.further = "SET synchronous_commit = off"

    def restart_row_numbers(self, transaction: Connection, table: str) -> None:
        transaction.execute(f"ALTER TABLE {table} ALTER COLUMN id RESTART")


def check(url: str) -> str:
    """Connect to the server, and return its version and address as text.

    Raises:
        DatabaseMissing: the server cannot be used.
    """
    try:
        with _connected(url, _SESSION) as connection:
            return f"PostgreSQL {connection.info.server_version // 10_000} at {masked(url)}"
    except psycopg.Error as error:
        raise _refusal(masked(url), error) from None


class _Session:
    """A connection with SQLite's placeholders and errors.

    A broken connection is replaced at the next statement outside a transaction.
    """

    def __init__(self, url: str, settings: str) -> None:
        self._where, self.in_transaction = (url, settings), False
        with _as_sqlite():
            self._connection = _connected(*self._where)

    def execute(self, sql: str, values: Sequence[Any] | None = None) -> psycopg.Cursor[Any]:
        statement = sql.replace("?", "%s").encode()
        with _as_sqlite():
            try:
                return self._connection.execute(statement, values)
            except psycopg.OperationalError:
                if self.in_transaction or not self._connection.closed:
                    raise
                self._connection = _connected(*self._where)
                return self._connection.execute(statement, values)
            except psycopg.Error:
                raise
            except BaseException:  # such as JobTimeout
                self._connection.close()  # otherwise a later statement could get the unread reply
                raise

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> psycopg.Cursor[Any]:
        with _as_sqlite():
            cursor = self._connection.cursor()
            cursor.executemany(sql.replace("?", "%s").encode(), rows)
            return cursor

    def roll_back(self) -> None:
        self.in_transaction = False
        try:
            self._connection.execute("ROLLBACK")
        except psycopg.Error:  # the connection has broken
            self._connection.close()

    def close(self) -> None:
        self._connection.close()


def _connected(url: str, settings: str) -> psycopg.Connection[Any]:
    """Open a connection to the database.

    Args:
        settings: SQL statements that are run on the new connection.

    Raises:
        DatabaseMissing: the URL is malformed, or the server's version or encoding is unsuitable.
        psycopg.Error: the connection failed.
    """
    parameters: dict[str, Any] = conninfo_to_dict(_DEFAULTS)
    try:
        parameters |= conninfo_to_dict(url)
    except psycopg.ProgrammingError:  # the error's text may contain the password
        raise DatabaseMissing(
            f"{masked(url)} is not the address of a PostgreSQL database"
        ) from None
    connection = psycopg.connect(autocommit=True, **parameters)
    version = connection.info.server_version // 10_000
    encoding = connection.info.parameter_status("server_encoding")
    if version < OLDEST or encoding != "UTF8":
        connection.close()
        raise DatabaseMissing(
            f"the database at {masked(url)} is PostgreSQL {version} with the encoding {encoding}, "
            f"and the blog needs {OLDEST} or later with UTF8"
        )
    connection.execute(settings.encode())
    return connection


@contextmanager
def _as_sqlite() -> Iterator[None]:
    try:
        yield
    except psycopg.IntegrityError as error:
        raise IntegrityError(str(error)) from error
    except psycopg.Error as error:
        # only log the text of a driver's error, since it contains the server's address
        if not error.diag.message_primary:
            logging.getLogger(__name__).warning("No connection to the database: %s", error)
        raise DatabaseDown(error.diag.message_primary or "no connection to the database") from error


def _refusal(where: str, error: BaseException) -> DatabaseMissing:
    return DatabaseMissing(f"the database at {where} can't be used: {str(error).splitlines()[0]}")

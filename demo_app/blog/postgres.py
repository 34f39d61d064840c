"""PostgreSQL as the blog's database, which web apps and workers on several machines share.

Nothing imports this module, nor the driver, unless a setting asks for it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.string import StrDumperUnknown

from demo_app.blog.database import (
    Connection,
    Database,
    DatabaseDown,
    DatabaseMissing,
    IntegrityError,
)
from demo_app.blog.tables import TABLES, in_postgres
from demo_app.broker.connection import masked

#: The oldest server: an older one rounds the moments that it is given.
OLDEST = 12
#: Unless the address says otherwise; it is about when a server that is gone counts as gone.
_DEFAULTS = (
    "client_encoding=utf8 connect_timeout=5 tcp_user_timeout=10000 "
    "keepalives_idle=5 keepalives_interval=2 keepalives_count=3"
)
#: A commit is on disk before it returns, whatever the server's default is. No statement waits for a
#: lock longer than with SQLite, even if a machine vanished in the middle of a transaction.
_SESSION = """
SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') IN ('off', 'local');
SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '10s';
"""
#: One writer at a time, as with SQLite's BEGIN IMMEDIATE. Row numbers are given out before the
#: commit: without the lock, row 8 could be there before row 7, and the relay, which reads on from
#: the last row that it saw, would skip 7. And a transaction that looks up an idempotency key has to
#: see the one that wrote it; so each statement sees all that was committed before it.
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(7236279)"


class PostgresDatabase(Database):
    """The database at an address. create: see `SqliteDatabase`.

    Raises DatabaseMissing when there is no blog and none may be made, or the server can't be used.
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
                raise DatabaseMissing(f"there is no blog at {self.where}")
        except DatabaseDown as error:
            raise _refusal(self.where, error.__cause__ or error) from None

    def _connect(self) -> Connection:
        return _Session(self._url, _SESSION + getattr(self._local, "further", ""))

    def _has_posts(self) -> bool:
        look = self.connection().execute
        there = look("SELECT to_regclass('posts') IS NOT NULL").fetchone()[0]
        return there and look("SELECT 1 FROM posts LIMIT 1").fetchone() is not None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """See `Database`."""
        session = self.connection()
        assert isinstance(session, _Session)
        try:
            session.execute(_BEGIN)
            session.in_transaction = True
            yield session
            # a transaction in which a statement failed answers a COMMIT with ROLLBACK, and no error
            if session.execute("COMMIT").statusmessage != "COMMIT":
                raise DatabaseDown("the transaction was rolled back")
            session.in_transaction = False
        except BaseException:
            session.roll_back()
            raise

    def sync_later(self) -> None:
        """See `Database`."""
        # also for a new connection
        self._local.further = "SET synchronous_commit = off"

    def count_anew(self, transaction: Connection, table: str) -> None:
        """See `Database`."""
        transaction.execute(f"ALTER TABLE {table} ALTER COLUMN id RESTART")


def check(url: str) -> str:
    """What server it is. Raises DatabaseMissing, which says why, when it can't be used."""
    try:
        with _connected(url, _SESSION) as connection:
            return f"PostgreSQL {connection.info.server_version // 10_000} at {masked(url)}"
    except psycopg.Error as error:
        raise _refusal(masked(url), error) from None


class _Session:
    """A connection with the manners of SQLite's: `?`, and the same errors. One that has broken, as
    when the server was restarted, is replaced at the next statement outside a transaction."""

    def __init__(self, url: str, settings: str) -> None:
        self._where, self.in_transaction = (url, settings), False
        with _as_sqlite():
            self._connection = _connected(*self._where)

    def execute(self, sql: str, values: Sequence[Any] | None = None) -> psycopg.Cursor[Any]:
        """See `Connection`."""
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
            except BaseException:  # the job's time limit: the answer will not be read
                self._connection.close()
                raise

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> psycopg.Cursor[Any]:
        """See `Connection`."""
        with _as_sqlite():
            cursor = self._connection.cursor()
            cursor.executemany(sql.replace("?", "%s").encode(), rows)
            return cursor

    def roll_back(self) -> None:
        """End the transaction, if it is still there."""
        self.in_transaction = False
        try:
            self._connection.execute("ROLLBACK")
        except psycopg.Error:  # it went with its connection
            self._connection.close()

    def close(self) -> None:
        """See `Connection`."""
        self._connection.close()


class _Text(StrDumperUnknown):
    """Text can't have the sign U+0000 here; as in HTML, another replaces it."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "\ufffd"))


def _connected(url: str, settings: str) -> psycopg.Connection[Any]:
    """A new connection. Raises psycopg.Error, and DatabaseMissing for a server that will not do."""
    parameters: dict[str, Any] = conninfo_to_dict(_DEFAULTS)
    try:
        parameters |= conninfo_to_dict(url)
    except psycopg.ProgrammingError:  # its text may quote the password
        raise DatabaseMissing(f"{masked(url)} is no address of a PostgreSQL database") from None
    connection = psycopg.connect(autocommit=True, **parameters)
    version = connection.info.server_version // 10_000
    encoding = connection.info.parameter_status("server_encoding")
    if version < OLDEST or encoding != "UTF8":
        connection.close()
        raise DatabaseMissing(
            f"the database at {masked(url)} is PostgreSQL {version} with the encoding {encoding}, "
            f"and the blog needs {OLDEST} or later with UTF8"
        )
    connection.adapters.register_dumper(str, _Text)
    connection.execute(settings.encode())
    return connection


@contextmanager
def _as_sqlite() -> Iterator[None]:
    try:
        yield
    except psycopg.IntegrityError as error:
        raise IntegrityError(str(error)) from error
    except psycopg.Error as error:
        if not error.diag.message_primary:  # an error page must not show the address
            logging.getLogger(__name__).warning("No connection to the database: %s", error)
        raise DatabaseDown(error.diag.message_primary or "no connection to the database") from error


def _refusal(where: str, error: BaseException) -> DatabaseMissing:
    return DatabaseMissing(f"the database at {where} can't be used: {str(error).splitlines()[0]}")

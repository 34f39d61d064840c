"""The only thread that writes to the database. One commit stores all waiting mails."""

import asyncio
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from local_smtp.mail import Incoming
from local_smtp.store import statements
from local_smtp.store.statements import Receipt

_BATCH = 500
_IDLE = 1.0  # longest wait of a `Writer.later` statement if no mail arrives (seconds)

_TABLES = """
-- One row for each mail. A mail without a Message-ID is never a duplicate.
CREATE TABLE IF NOT EXISTS messages (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id  TEXT UNIQUE,
    sender      TEXT NOT NULL,
    recipients  TEXT NOT NULL,              -- JSON list
    subject     TEXT NOT NULL,
    author      TEXT NOT NULL,              -- the From header
    job_id      TEXT,
    received_at REAL NOT NULL,              -- Unix seconds
    size        INTEGER NOT NULL,           -- bytes
    digest      BLOB NOT NULL
);

-- A separate table, so that a list of mails does not load their bytes.
CREATE TABLE IF NOT EXISTS contents (
    message INTEGER PRIMARY KEY REFERENCES messages ON DELETE CASCADE,
    raw     BLOB NOT NULL
);

-- One row for each delivery. replied_at stays NULL if the process or the connection died
-- between the commit and the reply (RFC 1047).
CREATE TABLE IF NOT EXISTS deliveries (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    message     INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE,
    received_at REAL NOT NULL,
    replied_at  REAL,
    reply       TEXT,
    sender      TEXT NOT NULL,
    recipients  TEXT NOT NULL,
    peer        TEXT NOT NULL,
    size        INTEGER NOT NULL,
    same_bytes  INTEGER NOT NULL,
    dialogue    TEXT NOT NULL               -- JSON list of [seconds, who, text]
);
CREATE INDEX IF NOT EXISTS deliveries_of_message ON deliveries (message);

CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT OR IGNORE INTO counters VALUES ('refused', 0);
"""

T = TypeVar("T")
Statement = Callable[[sqlite3.Connection], Any]
Change = tuple[Statement, "Future[Any]"]


class Writer:
    """The owner of the only connection that writes.

    The mails that arrive during a commit are stored together by the next commit (group commit).

    Raises:
        sqlite3.Error: the file cannot be written or is not a database.
    """

    def __init__(self, path: Path, on_stored: Callable[[list[Receipt]], None]) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # WAL with synchronous=FULL: a commit is durable when it returns, and never blocks readers.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.executescript(_TABLES)
        self._on_stored = on_stored
        self._queue: queue.SimpleQueue[Change | None] = queue.SimpleQueue()
        self._later: deque[Statement] = deque()
        self._lock, self._closed = threading.Lock(), False
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    async def deliver(self, mail: Incoming) -> Receipt:
        """Store a mail, and return once it is durable.

        Raises:
            sqlite3.Error: the mail was not stored.
        """
        return await asyncio.wrap_future(self.change(partial(statements.store, mail=mail)))

    def change(self, statement: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Queue a statement for the next commit. The future gets the result after that commit.

        If the commit fails, the futures of all statements of the commit get the error.

        Raises:
            sqlite3.ProgrammingError: the writer is closed.
        """
        answer: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise sqlite3.ProgrammingError("the mail sink has stopped")
            self._queue.put((statement, answer))
        return answer

    def later(self, statement: Statement) -> None:
        """Queue a statement for the next successful commit, and ignore its result."""
        self._later.append(statement)

    def catch_up(self) -> None:
        """Wait until all earlier changes are durable."""
        self.change(lambda connection: None).result()

    def close(self) -> None:
        """Run the queued statements, and close the file."""
        with self._lock:
            self._closed = True
            self._queue.put(None)
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while True:
            batch: list[Change | None] = []
            with suppress(queue.Empty):
                batch.append(self._queue.get(timeout=_IDLE))
                while len(batch) < _BATCH:
                    batch.append(self._queue.get_nowait())
            if batch or self._later:
                # skip cancelled changes; from here on, the other changes can't be cancelled
                changes = (change for change in batch if change is not None)
                self._commit([one for one in changes if one[1].set_running_or_notify_cancel()])
            if None in batch:
                return

    def _commit(self, changes: list[Change]) -> None:
        waiting = len(self._later)
        try:
            with self._connection as connection:  # commits at its end, or rolls back
                connection.execute("BEGIN IMMEDIATE")
                for number in range(waiting):
                    self._later[number](connection)
                results = [statement(connection) for statement, _ in changes]
        except Exception as error:
            for _, answer in changes:
                answer.set_exception(error)
            return
        for _ in range(waiting):  # only after a successful commit, so that no statement is lost
            self._later.popleft()
        for (_, answer), result in zip(changes, results, strict=True):
            answer.set_result(result)
        if receipts := [result for result in results if isinstance(result, Receipt)]:
            self._on_stored(receipts)

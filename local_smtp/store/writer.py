"""The one thread that writes: every mail waits for a commit, and shares it with others."""

import asyncio
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from local_smtp.mail import Delivery
from local_smtp.store import rows
from local_smtp.store.database import open_database, transaction
from local_smtp.store.index import index_some
from local_smtp.store.rows import Receipt

_BATCH = 500
_QUIET = 0.1  # seconds without work after which the search index is brought up to date
_IDLE = 1.0  # seconds after which even the last reply is noted

T = TypeVar("T")
Statement = Callable[[sqlite3.Connection], object]


@dataclass(frozen=True, slots=True)
class _Mail:
    delivery: Delivery
    answer: "asyncio.Future[Receipt]"


@dataclass(frozen=True, slots=True)
class _Change:
    statement: Callable[[sqlite3.Connection], Any]
    answer: "Future[Any]"


class Writer:
    """Owns the only connection that writes.

    A mail that arrives while a commit runs joins the next one, so that the cost of making
    mails durable is shared by all that wait: group commit, as databases do it.
    """

    def __init__(self, path: Path, keep: int, on_stored: Callable[[list[Receipt]], None]) -> None:
        self._connection = open_database(path)
        self._keep = keep
        self._on_stored = on_stored
        self._queue: queue.SimpleQueue[_Mail | _Change | None] = queue.SimpleQueue()
        self._later: deque[Statement] = deque()
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many mails and changes wait for the commit after the one under way."""
        return self._queue.qsize()

    async def deliver(self, delivery: Delivery) -> Receipt:
        """Return once the mail is durable.

        Raises:
            sqlite3.Error: it is not, and nothing of it is kept.
        """
        answer: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._queue.put(_Mail(delivery, answer))
        return await answer

    def change(self, statement: Callable[[sqlite3.Connection], T]) -> "Future[T]":
        """Run `statement` within the next commit; the answer is there once that is durable."""
        answer: Future[T] = Future()
        self._queue.put(_Change(statement, answer))
        return answer

    def later(self, statement: Statement) -> None:
        """Let `statement` ride along with the next commit: nobody waits for it."""
        self._later.append(statement)

    def catch_up(self) -> None:
        """Return once everything so far is written."""
        self.change(lambda connection: None).result()

    def close(self) -> None:
        """Finish what is queued, then close the file."""
        self._queue.put(None)
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        index_is_behind = True
        while True:
            try:
                batch = [self._queue.get(timeout=_QUIET if index_is_behind else _IDLE)]
            except queue.Empty:
                index_is_behind = self._index()
                continue
            with suppress(queue.Empty):
                while len(batch) < _BATCH:
                    batch.append(self._queue.get_nowait())
            self._commit(
                [item for item in batch if isinstance(item, _Mail)],
                [item for item in batch if isinstance(item, _Change)],
            )
            index_is_behind = True
            if None in batch:
                return

    def _commit(self, mails: list[_Mail], changes: list[_Change]) -> None:
        try:
            with transaction(self._connection) as connection:
                receipts = [rows.store(connection, mail.delivery) for mail in mails]
                while self._later:
                    self._later.popleft()(connection)
                results = [change.statement(connection) for change in changes]
                if self._keep and receipts:
                    rows.prune(connection, self._keep)
        except Exception as error:
            for change in changes:
                change.answer.set_exception(error)
            _settle([(mail.answer, error) for mail in mails])
            return
        for change, result in zip(changes, results, strict=True):
            change.answer.set_result(result)
        _settle([(mail.answer, receipt) for mail, receipt in zip(mails, receipts, strict=True)])
        if receipts:
            self._on_stored(receipts)

    def _index(self) -> bool:
        try:
            with transaction(self._connection) as connection:
                while self._later:
                    self._later.popleft()(connection)
                return index_some(connection)
        except sqlite3.Error:  # a full disk, say: the mails are safe, the index comes later
            return False


def _settle(answers: "list[tuple[asyncio.Future[Receipt], Receipt | Exception]]") -> None:
    """Wake all that waited for a commit with one call into their loop."""

    def settle() -> None:
        for future, outcome in answers:
            if future.done():  # its connection went away meanwhile
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

    if answers:
        with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            answers[0][0].get_loop().call_soon_threadsafe(settle)

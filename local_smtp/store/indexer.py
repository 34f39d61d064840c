"""Makes mails searchable, in a thread of its own behind the one that stores them."""

import sqlite3
import threading
import time
from contextlib import suppress
from functools import partial

from local_smtp.sandbox import Sandbox, TooCostly
from local_smtp.store import statements
from local_smtp.store.reader import Reader
from local_smtp.store.writer import Writer

_AT_A_TIME = 20
_RAW_LIMIT = 1024 * 1024  # bytes of a mail that are looked at
_TEXT_LIMIT = 64 * 1024  # characters of it that can be found
_QUIET = 0.1  # seconds; mails that arrive meanwhile are indexed together
_SECONDS = 0.3  # of computing a mail


class Indexer:
    """Indexes mails as they arrive. What a stranger sent is read in a sandbox.

    A mail that costs more than the sandbox allows is found by its envelope and subject alone.
    """

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer
        self._sandbox = Sandbox(_SECONDS)
        self._lock = threading.Lock()
        self._work = threading.Event()
        self._work.set()  # what was left when the last process ended
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="index", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Index what arrived, soon."""
        self._work.set()

    def catch_up(self, seconds: float) -> None:
        """Return once every mail so far is indexed, or after about so many seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._index_some():
            pass

    def close(self) -> None:
        """End the thread and the sandbox."""
        self._closed.set()
        self._work.set()
        self._sandbox.close()
        self._thread.join()

    def _run(self) -> None:
        while self._work.wait() and not self._closed.wait(_QUIET):
            self._work.clear()
            with suppress(sqlite3.Error):  # a full disk: the mails are safe, the index comes later
                while not self._closed.is_set() and self._index_some():
                    pass

    def _index_some(self) -> bool:
        """Index the next few mails; return whether there were any."""
        with self._lock:
            texts: dict[int, str] = {}
            for message, raw in self._reader.to_index(_AT_A_TIME, _RAW_LIMIT).items():
                try:
                    text = self._sandbox.ask("text", raw or b"").decode()
                except TooCostly:
                    text = ""
                if self._closed.is_set():  # which ended the sandbox, whatever the mail costs
                    return False
                texts[message] = text[:_TEXT_LIMIT]
            self._writer.change(partial(statements.index, texts=texts)).result()
            return bool(texts)

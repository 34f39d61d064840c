"""Three places to keep a queue in, each with as little as a queue can do with: put in, take,
acknowledge; and each step safe on disk, as far as the durability that was asked for goes."""

from __future__ import annotations

import os
import sqlite3
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from demo_app.broker.claim import Claim, Verdict
from demo_app.broker.connection import Decoded, connect
from demo_app.broker.message import Message
from demo_app.broker.options import Options
from demo_app.broker.queue import Queue

PAYLOAD = "x" * 500


class Contender(Protocol):
    """One connection to one queue."""

    def put(self) -> None:
        """Put a job in."""

    def fill(self, count: int) -> None:
        """Put many jobs in at once."""

    def take(self) -> Any:
        """Claim the next job; None when there is none."""

    def done(self, taken: Any) -> None:
        """Acknowledge a job."""


class RedisLists:
    """A list, and one for each worker: LPUSH, LMOVE, LREM."""

    def __init__(self, url: str) -> None:
        self._client: Decoded = connect(url)
        self._mine = f"claims:{os.getpid()}"

    def put(self) -> None:
        """Put a job in."""
        self._client.lpush("queue", f"{os.urandom(8).hex()} {PAYLOAD}")

    def fill(self, count: int) -> None:
        """Put many jobs in at once."""
        for _ in range(count // 1000):
            self._client.lpush("queue", *(f"{os.urandom(8).hex()} {PAYLOAD}" for _ in range(1000)))

    def take(self) -> Any:
        """Claim the next job."""
        return self._client.lmove("queue", self._mine, "RIGHT", "LEFT")

    def done(self, taken: Any) -> None:
        """Acknowledge a job."""
        self._client.lrem(self._mine, 1, taken)


class OurScripts:
    """This project's queue: the same lists, and with each step the history and the journal."""

    def __init__(self, url: str) -> None:
        self._store = Queue(connect(url), Options(history_length=1000))
        self._worker = f"bench-{os.getpid()}"
        self._store.register(self._worker, 600_000, "{}")

    def put(self) -> None:
        """Put a job in."""
        self._store.enqueue(_message())

    def fill(self, count: int) -> None:
        """Put many jobs in at once."""
        for _ in range(count // 1000):
            self._store.enqueue_many([(_message(), None) for _ in range(1000)])

    def take(self) -> Any:
        """Claim the next job."""
        taken = self._store.claim(self._worker, ["mail"])
        return taken[0].claim if taken else None

    def done(self, taken: Claim) -> None:
        """Acknowledge a job."""
        self._store.finish(taken, Verdict.DONE)


def _message() -> Message:
    return Message(os.urandom(8).hex(), "bench.nothing", {"payload": PAYLOAD}, "mail")


class SqliteTable:
    """A table, with an index over what is queued; a claim is one UPDATE ... RETURNING."""

    def __init__(self, path: Path, synchronous: str) -> None:
        self._rows = sqlite3.connect(path, timeout=60.0, isolation_level=None)
        self._rows.execute("PRAGMA journal_mode = WAL")
        self._rows.execute(f"PRAGMA synchronous = {synchronous}")
        self._rows.execute(
            "CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY AUTOINCREMENT, "
            "state TEXT NOT NULL DEFAULT 'queued', payload TEXT NOT NULL)"
        )
        self._rows.execute("CREATE INDEX IF NOT EXISTS q ON jobs (id) WHERE state = 'queued'")

    def put(self) -> None:
        """Put a job in."""
        self._rows.execute("INSERT INTO jobs (payload) VALUES (?)", (PAYLOAD,))

    def fill(self, count: int) -> None:
        """Put many jobs in at once."""
        self._rows.execute("BEGIN IMMEDIATE")
        self._rows.executemany("INSERT INTO jobs (payload) VALUES (?)", [(PAYLOAD,)] * count)
        self._rows.execute("COMMIT")

    def take(self) -> Any:
        """Claim the next job."""
        return self._rows.execute(
            "UPDATE jobs SET state = 'running' WHERE id = (SELECT id FROM jobs "
            "WHERE state = 'queued' ORDER BY id LIMIT 1) RETURNING id, payload"
        ).fetchone()

    def done(self, taken: Any) -> None:
        """Acknowledge a job."""
        self._rows.execute("DELETE FROM jobs WHERE id = ?", (taken[0],))


class PostgresTable:
    """The same table in PostgreSQL, claimed with FOR UPDATE SKIP LOCKED."""

    def __init__(self, url: str, synchronous: str) -> None:
        try:
            psycopg: Any = import_module("psycopg")
        except ImportError as error:
            raise ImportError(
                f"DEMO_POSTGRES_URL is set, and there is no driver: {error}; "
                "pip install 'psycopg[binary]'"
            ) from None
        self._rows = psycopg.connect(url, autocommit=True)
        self._rows.execute(f"SET synchronous_commit = {synchronous}")
        self._rows.execute("SET client_min_messages = error")
        self._rows.execute(
            "CREATE TABLE IF NOT EXISTS bench_jobs (id BIGSERIAL PRIMARY KEY, "
            "state TEXT NOT NULL DEFAULT 'queued', payload TEXT NOT NULL)"
        )
        self._rows.execute(
            "CREATE INDEX IF NOT EXISTS bench_q ON bench_jobs (id) WHERE state = 'queued'"
        )

    def put(self) -> None:
        """Put a job in."""
        self._rows.execute("INSERT INTO bench_jobs (payload) VALUES (%s)", (PAYLOAD,))

    def fill(self, count: int) -> None:
        """Put many jobs in at once."""
        sql = "INSERT INTO bench_jobs (payload) SELECT %s FROM generate_series(1, %s)"
        self._rows.execute(sql, (PAYLOAD, count))

    def take(self) -> Any:
        """Claim the next job."""
        return self._rows.execute(
            "UPDATE bench_jobs SET state = 'running' WHERE id = (SELECT id FROM bench_jobs "
            "WHERE state = 'queued' ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1) "
            "RETURNING id, payload"
        ).fetchone()

    def done(self, taken: Any) -> None:
        """Acknowledge a job."""
        self._rows.execute("DELETE FROM bench_jobs WHERE id = %s", (taken[0],))

    def drop(self) -> None:
        """Take the table away again."""
        self._rows.execute("DROP TABLE bench_jobs")

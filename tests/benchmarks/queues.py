"""Redis against a table: a job put in, claimed and acknowledged, with like durability.

Each step is a command or a transaction of its own, as it is when jobs come one by one.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.stores import OurScripts, PostgresTable, Queue, RedisLists, SqliteTable
from benchmarks.table import Table
from demo_app.stack import Options
from demo_app.stack.redis_server import running

#: Seconds that each measurement takes.
SECONDS = 0.7
WORKERS = (1, 4, 16)
ON_DISK, SOON = "at once", "soon"
NOTE = (
    "On disk at once: a power failure takes nothing that was answered. Soon: it takes the last "
    "second (Redis, PostgreSQL), or what came after the last checkpoint (SQLite)."
)
Connect = Callable[[], Queue]


def run() -> list[Table]:
    """One table: steps a second, with one client, and claims a second by many."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        rows = [
            [name, durability, *(f"{number:,.0f}" for number in _measured(connect))]
            for name, durability, connect in _places(Path(folder))
        ]
    columns = ["", "on disk", "enqueue/s", "claim/s", "acknowledge/s"]
    columns += [f"claims/s by {count}" for count in WORKERS]
    note = NOTE if _postgres() else f"{NOTE} PostgreSQL is measured too with DEMO_POSTGRES_URL."
    return [Table("Redis against a table", columns, rows, note)]


def _places(folder: Path) -> Iterator[tuple[str, str, Connect]]:
    for durability, fsync, synchronous, commit in (
        (ON_DISK, "always", "FULL", "on"),
        (SOON, "everysec", "NORMAL", "off"),
    ):
        place = folder / fsync
        place.mkdir()
        with _redis(place, fsync) as url:
            yield "Redis, lists", durability, partial(RedisLists, url)
            yield "Redis, this project's queue", durability, partial(OurScripts, url)
        yield "SQLite", durability, partial(SqliteTable, place / "jobs.sqlite3", synchronous)
        if _postgres():
            connect = partial(PostgresTable, _postgres(), commit)
            try:
                yield "PostgreSQL", durability, connect
            finally:
                connect().drop()


def _postgres() -> str:
    return os.environ.get("DEMO_POSTGRES_URL", "")


@contextmanager
def _redis(folder: Path, fsync: str) -> Iterator[str]:
    with running(folder, Options(appendfsync=fsync)) as url:
        yield url


def _measured(connect: Connect) -> list[float]:
    queue = connect()
    taken: list[Any] = []
    enqueue = _rate(queue.put)
    queue.fill(20_000)
    claim = _rate(lambda: taken.append(queue.take()))
    acknowledge = _rate(lambda: queue.done(taken.pop()), lambda: bool(taken))
    return [enqueue, claim, acknowledge, *(_claimed_by(connect, count) for count in WORKERS)]


def _rate(step: Callable[[], object], more: Callable[[], bool] = lambda: True) -> float:
    steps, began = 0, time.perf_counter()
    while (took := time.perf_counter() - began) < SECONDS and more():
        step()
        steps += 1
    return steps / took


def _claimed_by(connect: Connect, workers: int) -> float:
    """Claims a second of so many processes together."""
    connect().fill(20_000)
    context = multiprocessing.get_context("fork")
    barrier, counts = context.Barrier(workers), context.Queue()
    crew = [
        context.Process(target=_claim_on, args=(connect, barrier, counts)) for _ in range(workers)
    ]
    for process in crew:
        process.start()
    total = sum(counts.get(timeout=120.0) for _ in crew)
    for process in crew:
        process.join()
    return float(total)


def _claim_on(connect: Connect, barrier: Any, rates: Any) -> None:
    queue = connect()
    barrier.wait()
    rates.put(_rate(queue.take))

"""Jobs per second in several stores with the same durability."""

import sqlite3
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from lab.progress import Progress
from lab.running import Lab

#: Measurements of each store, since a single one varies too much.
RUNS = 3
#: Jobs of one run, shared among its clients.
JOBS = 100

#: A client's functions for the three steps of a job: enqueue, claim, acknowledge. Each function
#: returns when its change is durable.
Client = tuple[Callable[[str], Any], Callable[[], Any], Callable[[Any], Any]]


def _redis(redis: Any) -> Client:
    return (
        lambda job: redis.lpush("speed", job),
        lambda: redis.lmove("speed", "speed:claims", "RIGHT", "LEFT"),
        lambda job: redis.lrem("speed:claims", 1, job),
    )


def _sqlite(path: Path) -> Client:
    db = sqlite3.connect(path, isolation_level=None, timeout=60, check_same_thread=False)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY, job, claimed)")
    db.execute("CREATE INDEX IF NOT EXISTS waiting ON jobs (id) WHERE claimed IS NULL")
    first = "(SELECT id FROM jobs WHERE claimed IS NULL ORDER BY id LIMIT 1)"
    claim = f"UPDATE jobs SET claimed = 1 WHERE id = {first} RETURNING id"
    return (
        lambda job: db.execute("INSERT INTO jobs (job) VALUES (?)", (job,)),
        lambda: db.execute(claim).fetchone()[0],
        lambda job: db.execute("DELETE FROM jobs WHERE id = ?", (job,)),
    )


@dataclass(frozen=True, slots=True)
class Speed:
    """The speed of a store.

    Attributes:
        rates: for each run, the number of jobs per second that all clients together enqueued,
            claimed and acknowledged.
    """

    store: str
    clients: int
    rates: tuple[float, ...]

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)


def race(lab: Lab) -> list[Speed]:
    """Measure the speed of Redis and of SQLite, each with 1 and with 8 clients.

    Both stores have their files on the same disk. In both stores, a change is durable (it survives
    a power failure) as soon as the call returns.
    """
    stores = {
        "Redis": partial(_redis, lab.redis),
        "SQLite": partial(_sqlite, lab.stack.plan.folder.path / "speed.db"),
    }
    found = []
    with Progress("the race"):
        lab.redis.config_set("appendfsync", "always")
        try:
            for clients, (store, make) in product((1, 8), stores.items()):
                rates = tuple(_rate(make, clients) for _ in range(RUNS))
                found.append(Speed(store, clients, rates))
        finally:
            lab.redis.config_set("appendfsync", "everysec")
    return found


def _rate(make: Callable[[], Client], clients: int) -> float:
    each = JOBS // clients

    def run(client: Client) -> None:
        enqueue, claim, acknowledge = client
        for number in range(each):
            enqueue(f"job {number}")
        for _ in range(each):
            acknowledge(claim())

    made = [make() for _ in range(clients)]
    with ThreadPoolExecutor(clients) as pool:
        began = time.perf_counter()
        list(pool.map(run, made))
        return each * clients / (time.perf_counter() - began)

"""Jobs a second on several stores, like for like in what survives."""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from matplotlib.figure import Figure

from demo_app.story.colours import EDGE, RUNNING, WAITING
from lab import postgres
from lab.show import Picture, Table

if TYPE_CHECKING:
    from lab.running import Lab


class Client(Protocol):
    """One client's three steps of a job; each is durable when it returns, as far as promised."""

    def enqueue(self, job: str) -> None:
        """Put it in."""

    def claim(self) -> str:
        """Take one: it must not be given to another."""

    def acknowledge(self, job: str) -> None:
        """It is done."""


class _Redis:
    def __init__(self, redis: Any) -> None:
        self._redis = redis

    def enqueue(self, job: str) -> None:
        self._redis.lpush("speed", job)

    def claim(self) -> str:
        return str(self._redis.lmove("speed", "speed:claims", "RIGHT", "LEFT"))

    def acknowledge(self, job: str) -> None:
        self._redis.lrem("speed:claims", 1, job)


class _SQLite:
    def __init__(self, path: Path, synchronous: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, timeout=60, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(f"PRAGMA synchronous={synchronous}")
        self._db.execute("CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY, job, claimed)")
        self._db.execute("CREATE INDEX IF NOT EXISTS waiting ON jobs (id) WHERE claimed IS NULL")

    def enqueue(self, job: str) -> None:
        self._db.execute("INSERT INTO jobs (job) VALUES (?)", (job,))

    def claim(self) -> str:
        take = (
            "UPDATE jobs SET claimed = 1 WHERE id = "
            "(SELECT id FROM jobs WHERE claimed IS NULL ORDER BY id LIMIT 1) RETURNING id"
        )
        return str(self._db.execute(take).fetchone()[0])

    def acknowledge(self, job: str) -> None:
        self._db.execute("DELETE FROM jobs WHERE id = ?", (int(job),))


@dataclass(frozen=True, slots=True)
class Speed:
    """Jobs a second that went in, were claimed, and were acknowledged; by one client or more."""

    store: str
    survives: str
    clients: int
    rate: float


def race(lab: Lab, jobs: int = 150) -> list[Speed]:
    """The same jobs through Redis and through SQLite, like for like in what survives.

    The files are on the same disk. PostgreSQL runs too, where its programs are installed.
    """
    found = []
    folder = lab.stack.plan.folder.path
    for fsync, synchronous, survives in (
        ("everysec", "NORMAL", "a crash"),
        ("always", "FULL", "a power failure"),
    ):
        lab.redis.config_set("appendfsync", fsync)
        for clients in (1, 8):
            stores: dict[str, Callable[[], Client]] = {
                "Redis": lambda: _Redis(lab.redis),
                "SQLite": partial(_SQLite, folder / f"{synchronous}.db", synchronous),
            }
            for name, make in stores.items():
                found.append(Speed(name, survives, clients, _rate(make, clients, jobs)))
        if survives == "a power failure":
            found += [Speed("PostgreSQL", survives, n, rate) for n, rate in postgres.race(jobs)]
    lab.redis.config_set("appendfsync", "everysec")
    return found


def _rate(make: Callable[[], Client], clients: int, jobs: int) -> float:
    each = max(1, jobs // clients)
    made = [make() for _ in range(clients)]
    trouble: queue.SimpleQueue[BaseException] = queue.SimpleQueue()

    def run(client: Client) -> None:
        try:
            for number in range(each):
                client.enqueue(f"job {number}")
            for _ in range(each):
                client.acknowledge(client.claim())
        except BaseException as error:
            trouble.put(error)

    threads = [threading.Thread(target=run, args=(client,)) for client in made]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not trouble.empty():
        raise trouble.get()
    return each * clients / (time.perf_counter() - began)


def speed_table(speeds: list[Speed]) -> Table:
    """One row a store and promise."""
    rows = [(speed.store, speed.survives, speed.clients, f"{speed.rate:,.0f}") for speed in speeds]
    head = ("store", "what is acknowledged survives", "clients", "jobs a second")
    return Table(head, rows)


def speed_picture(speeds: list[Speed]) -> Picture:
    """A bar a store, promise and number of clients."""
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    axes = figure.add_subplot()
    for row, speed in enumerate(speeds):
        redis = speed.store == "Redis"
        axes.barh(row, speed.rate, height=0.7, color=RUNNING if redis else WAITING,
                  edgecolor=EDGE, hatch="" if redis else "//")  # fmt: skip
        axes.annotate(f" {speed.rate:,.0f}", (speed.rate, row), va="center", fontsize=12)
    labels = [
        f"{s.store}, {s.clients} client{'s' * (s.clients > 1)}, survives {s.survives}"
        for s in speeds
    ]
    axes.set_yticks(range(len(speeds)), labels, fontsize=12)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel("jobs a second: enqueued, claimed and acknowledged", fontsize=12)
    axes.tick_params(axis="x", labelsize=12)
    axes.spines[["top", "right"]].set_visible(False)
    told = [f"{label}: {s.rate:,.0f} a second" for label, s in zip(labels, speeds, strict=True)]
    return Picture.of(figure, "; ".join(told) + ".")

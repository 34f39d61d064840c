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

from demo_app.verification.demo.colours import EDGE, RUNNING, WAITING
from lab import postgres
from lab.show import Picture

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


def moved_by_redis(lab: Lab, jobs: int = 300) -> float:
    """Jobs a second through all three steps in the lab's Redis, by one client."""
    return _rate(lambda: _Redis(lab.redis), 1, jobs)


def speed_picture(speeds: list[Speed]) -> Picture:
    """A bar a store and number of clients; a panel, with a scale of its own, a promise."""
    figure = Figure(figsize=(11, 5.6), layout="constrained")
    promises = list(dict.fromkeys(speed.survives for speed in speeds))
    panels: Any = figure.subplots(len(promises), 1, squeeze=False)
    told = []
    for axes, promise in zip(panels[:, 0], promises, strict=True):
        mine = [speed for speed in speeds if speed.survives == promise]
        labels = [f"{s.store}, {s.clients} client{'s' * (s.clients > 1)}" for s in mine]
        for row, speed in enumerate(mine):
            redis = speed.store == "Redis"
            axes.barh(row, speed.rate, height=0.7, color=RUNNING if redis else WAITING,
                      edgecolor=EDGE, hatch="" if redis else "//")  # fmt: skip
            axes.annotate(f" {speed.rate:,.0f}", (speed.rate, row), va="center", fontsize=13)
        axes.set_yticks(range(len(mine)), labels, fontsize=13)
        axes.invert_yaxis()
        axes.margins(x=0.12)
        axes.set_title(f"what is answered survives {promise}", fontsize=14, loc="left")
        axes.tick_params(axis="x", labelsize=12)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.spines[["top", "right"]].set_visible(False)
        rates = [f"{label} {s.rate:,.0f}" for label, s in zip(labels, mine, strict=True)]
        told.append(f"survives {promise}: {', '.join(rates)}")
    panels[-1, 0].set_xlabel("jobs a second: enqueued, claimed and acknowledged", fontsize=13)
    return Picture.of(figure, "Jobs a second. " + "; ".join(told) + ".")

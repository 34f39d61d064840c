"""Jobs per second in several stores, compared at the same safety."""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from demo_app.demo.colours import EDGE, INK, RUNNING, WAITING
from lab import postgres
from lab.figures import drawn, panels
from lab.language import Say, say, sentence
from lab.progress import Progress
from lab.running import Lab
from lab.show import Picture

#: How often each store is measured: a single sample is decided by chance.
RUNS = 3


#: One client's three steps of a job: enqueue it, claim one, acknowledge it. Each is as durable as
#: promised when it returns.
Client = tuple[Callable[[str], Any], Callable[[], Any], Callable[[Any], Any]]


def _redis(redis: Any) -> Client:
    return (
        lambda job: redis.lpush("speed", job),
        lambda: redis.lmove("speed", "speed:claims", "RIGHT", "LEFT"),
        lambda job: redis.lrem("speed:claims", 1, job),
    )


def _sqlite(path: Path, synchronous: str) -> Client:
    db = sqlite3.connect(path, isolation_level=None, timeout=60, check_same_thread=False)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute(f"PRAGMA synchronous={synchronous}")
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
    """Jobs per second that were enqueued, claimed and acknowledged by so many clients; one figure
    per run. survives: what an answered job survives."""

    store: str
    survives: str
    clients: int
    rates: tuple[float, ...]

    @property
    def rate(self) -> float:
        """The median of the runs."""
        return statistics.median(self.rates)


def race(lab: Lab, jobs: int = 100) -> list[Speed]:
    """The same jobs through Redis and SQLite, at the same safety, with files on the same disk.

    PostgreSQL runs too, where its programs are installed.
    """
    found = []
    folder = lab.stack.plan.folder.path
    with Progress("the race"):
        for fsync, synchronous, survives in (
            ("everysec", "NORMAL", "a crash"),
            ("always", "FULL", "a power failure"),
        ):
            lab.redis.config_set("appendfsync", fsync)
            stores: dict[str, Callable[[], Client]] = {
                "Redis": partial(_redis, lab.redis),
                "SQLite": partial(_sqlite, folder / f"{synchronous}.db", synchronous),
            }
            for clients in (1, 8):
                for name, make in stores.items():
                    rates = tuple(_rate(make, clients, jobs) for _ in range(RUNS))
                    found.append(Speed(name, survives, clients, rates))
            if survives == "a power failure":
                for clients, rates in postgres.race(jobs, RUNS):
                    found.append(Speed("PostgreSQL", survives, clients, rates))
        lab.redis.config_set("appendfsync", "everysec")
    return found


def _rate(make: Callable[[], Client], clients: int, jobs: int) -> float:
    each = max(1, jobs // clients)

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


def moved_by_redis(lab: Lab) -> float:
    """Jobs per second through all three steps in the lab's Redis, by one client."""
    return _rate(partial(_redis, lab.redis), 1, 300)


def speed_picture(speeds: Iterable[Speed]) -> Picture:
    """A bar per store and number of clients: the median, and a line from slowest to fastest run.

    A panel, with its own scale, per promise.
    """
    promises: dict[str, list[Speed]] = {}
    for speed in speeds:
        promises.setdefault(speed.survives, []).append(speed)
    figure, grid = panels(5.6, len(promises))
    sentences = []
    for axes, (promise, mine) in zip(grid, promises.items(), strict=True):
        labels = [_label(speed, drawn) for speed in mine]
        for row, speed in enumerate(mine):
            redis, slowest, fastest = speed.store == "Redis", min(speed.rates), max(speed.rates)
            axes.barh(row, speed.rate, height=0.7, color=RUNNING if redis else WAITING,
                      edgecolor=EDGE, hatch="" if redis else "//")  # fmt: skip
            axes.plot([slowest, fastest], [row, row], color=INK, linewidth=2.4, marker="|",
                      markersize=12)  # fmt: skip
            axes.annotate(f"  {speed.rate:,.0f}", (fastest, row), va="center", fontsize=13)
        axes.set_yticks(range(len(mine)), labels, fontsize=13)
        axes.invert_yaxis()
        axes.margins(x=0.12)
        axes.set_xlim(left=0)
        title = drawn("an answered job survives {what}", what=drawn(promise))
        axes.set_title(title, fontsize=14, loc="left")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        rates = say(", ").join(f"{_label(speed, say)} {speed.rate:,.0f}" for speed in mine)
        sentences.append(say("survives {what}: {rates}", what=say(promise), rates=rates))
    grid[-1].set_xlabel(drawn("jobs per second: enqueued, claimed and acknowledged"), fontsize=13)
    told = say("Jobs per second, median of several runs. ")
    return Picture.of(figure, told + sentence(sentences))


def _label(speed: Speed, say: Say) -> str:
    clients = "{store}, 1 client" if speed.clients == 1 else "{store}, {n} clients"
    return say(clients, store=speed.store, n=speed.clients)

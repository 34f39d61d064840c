"""What it costs that the outbox keeps each job until it is done: the same work with it and without.

The jobs come the whole way: from the blog's database through the relay and Redis to the worker and
its mail. In turn, so that a slow minute of the machine hits both.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from benchmarks.comments import post_at_rate
from benchmarks.measuring import seconds_of
from benchmarks.table import Table, median_and_spread
from demo_app.blog import posts
from demo_app.blog.database import SqliteDatabase
from demo_app.stack import Stack
from demo_app.stack.client import Client
from demo_app.tasks import notify_author

JOBS, ROUNDS = 2000, 5
WAYS: dict[str, tuple[str, ...]] = {"until it is done": (), "until Redis has it": ("keep",)}


def run() -> list[Table]:
    """One table: mails a second, processor time of a mail, and milliseconds of a POST."""
    mails: dict[str, list[float]] = {name: [] for name in WAYS}
    costs: dict[str, list[float]] = {name: [] for name in WAYS}
    posting: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(ROUNDS):
        for name, without in WAYS.items():
            with Stack(workers=2, without=without) as stack, Client(stack.ready) as client:
                rate, cost = _measured(stack, client)
                mails[name].append(rate)
                costs[name].append(cost)
                posting[name].append(statistics.median(post_at_rate(stack, seconds=5)))
    rows = [
        [
            name,
            *median_and_spread(mails[name]),
            _ratio(mails),
            f"{statistics.median(costs[name]):.0f}",
            _ratio(costs),
            f"{statistics.median(posting[name]):.2f}",
        ]
        for name in WAYS
    ]
    columns = [
        *("the outbox keeps a job", "mails a second", "spread", "ratio"),
        *("processor, µs a mail", "ratio", "`POST`, ms"),
    ]
    note = (
        f"Medians of {ROUNDS} rounds; the ratio of the first way to the second is that of the two "
        "runs of a round. The processor time is that of the web app, Redis and the workers."
    )
    return [Table(f"{JOBS:,} comments through the outbox", columns, rows, note)]


def _ratio(found: dict[str, list[float]]) -> str:
    kept, gone = found.values()
    return f"{statistics.median(one / other for one, other in zip(kept, gone, strict=True)):.2f}"


def _measured(stack: Stack, client: Client) -> tuple[float, float]:
    """Mails a second, and microseconds of processor time a mail: from the moment when a tenth has
    arrived, and all surely works, to the last mail."""
    doing = [pid for role in ("redis", "web", "worker") for pid in stack.ready["pids"][role]]
    database = SqliteDatabase(Path(stack.ready["dir"]) / "blog.sqlite3")
    database.connection().execute("PRAGMA synchronous = OFF")
    for number in range(JOBS):
        body = f"number {number}"
        posts.add_comment(database, 1, "A", "a@example.test", body, notify=notify_author)
    database.close()
    client.wait_for_mails(JOBS // 10)
    first, began, used = client.mail_stats()["distinct"], time.perf_counter(), seconds_of(doing)
    client.wait_for_mails(JOBS, seconds=300)
    mails, took = JOBS - first, time.perf_counter() - began
    client.wait_for(lambda now: now["done"] == JOBS)
    return mails / took, (seconds_of(doing) - used) / mails * 1e6

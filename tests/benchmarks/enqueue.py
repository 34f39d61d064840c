"""The time of enqueueing a job, compared with one LPUSH of the same bytes.

The LPUSH is measured twice: through redis-py's client, as programs send it, and over an open
connection, as the queue sends its scripts. All measurements alternate in one process, with one
Redis server that keeps an append-only file.
"""

import os
import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

from support import redis_running

from benchmarks.measuring import timed
from benchmarks.table import Table
from demo_app.broker.connection import connect
from demo_app.broker.message import Message, compose
from demo_app.jobs import enqueue_many
from demo_app.settings import settings
from demo_app.tasks import notify_author

ROUNDS, CALLS = 20, 200


def run() -> list[Table]:
    with redis_running() as url:
        os.environ["DEMO_REDIS_URL"] = url
        settings.cache_clear()
        found = _measured(url)
    least = statistics.median(found["a bare LPUSH of the same bytes"])
    rows = []
    for name, times in found.items():
        quantiles = statistics.quantiles(times, n=100)
        median = statistics.median(times)
        rows.append([name, f"{median:.0f}", f"{quantiles[98]:.0f}", f"{median / least:.2f}"])
    return [Table("Enqueueing a job", ["", "median, µs", "p99, µs", "ratio to a bare LPUSH"], rows)]


def _measured(url: str) -> dict[str, list[float]]:
    from demo_app.backends.stock import stock_app

    client = connect(url)
    same = compose(Message("0" * 36, notify_author.name, {"comment_id": 12345}, "mail", 0, 0, 1.5))
    stock = stock_app(settings())
    connection: Any = client.connection_pool.make_connection()

    def over_an_open_connection() -> object:
        connection.send_command("LPUSH", "bare", same)
        return connection.read_response()

    steps: dict[str, Callable[[], object]] = {
        "a bare LPUSH of the same bytes": lambda: client.lpush("bare", same),
        "the same over an open connection, as `.enqueue()` uses": over_an_open_connection,
        "`.enqueue()`": lambda: notify_author.enqueue(comment_id=12345),
        "stock Celery, `.send_task()`": lambda: stock.send_task(
            notify_author.name, kwargs={"comment_id": 12345}, queue="stock"
        ),
    }
    found: dict[str, list[float]] = {name: [] for name in steps}
    many: list[float] = []
    for _ in range(ROUNDS):
        for name, step in steps.items():
            found[name] += timed(step, CALLS)
        jobs = [notify_author.job(comment_id=number) for number in range(1000)]
        many += [took / 1000 for took in timed(partial(enqueue_many, jobs), 1)]
    stock.close()
    return {**found, "`enqueue_many` of 1,000, a job": many}

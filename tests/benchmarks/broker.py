"""Costs of the broker and of Celery's stock transport: jobs that do nothing, and an idle worker.

The Celery app does not belong to this project, and has a separate folder. The jobs are enqueued
first. Then a worker starts with two processes or threads, and the time is measured from the first
tenth of the jobs to the last job. The three configurations run in turn, so that a slow minute of
the machine affects all of them. Redis keeps an append-only file, with one fsync per second.
"""

import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from celery import Celery
from celery_suite.outside import Shop

from benchmarks.measuring import median_of, seconds_of
from benchmarks.table import Table
from demo_app.broker.defaults import DEFAULTS

JOBS, ROUNDS, IDLE_SECONDS = 1000, 3, 15
#: The compared configurations: the transport, and the app's settings.
WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "stock Celery, default settings": ("stock", {}),
    "stock Celery, late acknowledgement": ("stock", dict.fromkeys(DEFAULTS, True)),
    "claims": ("claims", {}),
}


class Measured(NamedTuple):
    """The results of one measurement.

    Attributes:
        enqueue: time of an enqueue (microseconds, median).
        rate: jobs per second.
        cost: processor time of the worker and Redis for each job (microseconds).
        idle, redis: processor time of the worker and of Redis while no job runs (milliseconds per
            second).
    """

    enqueue: float
    rate: float
    cost: float
    idle: float
    redis: float


def run() -> list[Table]:
    return [_table(pool) for pool in ("prefork", "threads")]


def _table(pool: str) -> Table:
    found: dict[str, list[Measured]] = {name: [] for name in WAYS}
    for _ in range(ROUNDS):
        for name, (transport, settings) in WAYS.items():
            found[name].append(_measure(pool, transport, settings))
    middle = {
        name: Measured(*map(statistics.median, zip(*rounds, strict=True)))
        for name, rounds in found.items()
    }
    first = next(iter(middle.values()))
    rows = [
        [name, *(_with_ratio(value, base) for value, base in zip(one, first, strict=True))]
        for name, one in middle.items()
    ]
    columns = ["", "enqueue, µs", "jobs a second", "processor, µs a job"]
    columns += ["idle worker, ms/s", "its Redis, ms/s"]
    note = f"Medians of {ROUNDS} rounds of {JOBS:,} jobs; in brackets the ratio to the first row."
    return Table(f"Jobs that do nothing, on the pool {pool}", columns, rows, note)


def _with_ratio(value: float, base: float) -> str:
    # no ratio to values below 10, which are too close to the clock's resolution
    ratio = f" ({value / base:.2f})" if base >= 10 else ""
    return f"{value:,.0f}{ratio}" if value >= 10 else f"{value:.1f}"


def _measure(pool: str, transport: str, settings: dict[str, Any]) -> Measured:
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        closing(Shop(Path(folder) / "shop", transport, pool, **settings)) as shop,
    ):
        # connect the workers to Redis directly: the shop's proxy (`link`) would cost time
        shop.link_port = shop.port
        with Celery("shop", broker=shop.broker(shop.port)) as app:
            enqueue = median_of(lambda: app.send_task("shop.nothing"), JOBS)
        server, worker = [shop.server.pid], [shop.start_worker().pid]
        rate, cost = _drained(shop, server + worker)
        idle, its_redis = seconds_of(worker), seconds_of(server)
        time.sleep(IDLE_SECONDS)  # the measured interval
        idle, its_redis = seconds_of(worker) - idle, seconds_of(server) - its_redis
        second = 1000 / IDLE_SECONDS
        return Measured(enqueue, rate, cost, idle * second, its_redis * second)


def _drained(shop: Shop, pids: list[int]) -> tuple[float, float]:
    """Wait until all jobs are done. Return the rate after the first tenth of the jobs (jobs per
    second), and the processor time for each of these jobs (microseconds)."""
    shop.until(lambda: shop.queued() <= JOBS * 0.9, "a tenth of the jobs", seconds=120)
    left, began, before = shop.queued(), time.perf_counter(), seconds_of(pids)
    shop.until(lambda: shop.queued() == shop.in_hand() == 0, "the last job", seconds=300)
    took, spent = time.perf_counter() - began, seconds_of(pids) - before
    return left / took, spent / left * 1e6

"""Costs of a queue by its length (memory of each job, and the time of steps such as a claim), and
its throughput by the number of worker processes."""

import statistics
import time
from collections.abc import Callable
from typing import Any

from support import redis_running

from benchmarks.measuring import fill, measure, median_claim, median_of, memory_of
from benchmarks.table import Table, table_by_size
from demo_app.broker.connection import connect
from demo_app.broker.events import State
from demo_app.broker.inspect import get_job, page
from demo_app.broker.keys import lists_of
from demo_app.broker.message import Message
from demo_app.broker.queue import Queue

SIZES = (1_000, 10_000, 100_000, 1_000_000)
WORKERS = (1, 2, 4, 8)
LISTS = lists_of("mail")
Found = dict[int, dict[str, float]]


def run() -> list[Table]:
    found = _grown(_steps, due=None)
    later = _grown(_steps_with_delayed, due=time.time() + 86_400)
    by_workers = {count: measure("ours", 4000, workers=count) for count in WORKERS}
    redis = statistics.median(one.redis for one in by_workers.values())
    a_job = found[SIZES[-1]]["bytes a job"]
    return [
        table_by_size("The same step with more jobs queued", "{:,} jobs", found),
        table_by_size("One job now, and more jobs that are due tomorrow", "{:,} jobs", later),
        Table(
            "Worker processes of four threads",
            ["processes", "mails per second", "processors busy", "Redis, µs a mail"],
            [
                [str(n), f"{one.mails:.0f}", f"{one.busy:.0%}", f"{one.redis:.0f}"]
                for n, one in by_workers.items()
            ],
            "The workers, the sink and Redis share the processors.",
        ),
        Table(
            "Where one Redis ends",
            ["resource", "use by one job", "limit"],
            [
                ["processor", f"{redis:.0f} µs", f"{1e6 / redis:,.0f} jobs a second"],
                ["memory", f"{a_job:,.0f} bytes", f"{2**30 / a_job:,.0f} jobs waiting in a GiB"],
            ],
            "Calculated from the tables above: Redis runs its commands on one processor. For more, "
            "several Celery apps can each have a Redis: see "
            "[production.md](production.md#when-one-redis-is-not-enough).",
        ),
    ]


def _grown(steps: Callable[[Queue], dict[str, float]], due: float | None) -> Found:
    """Fill a queue to each of SIZES. Return the costs by size: the time of each step of `steps`
    (microseconds), and the memory of a job (bytes).

    Args:
        steps: returns the times of some steps, such as a claim.
        due: the time when the jobs are due (epoch seconds); None: immediately.
    """
    found: Found = {}
    with redis_running() as url:
        store = Queue(connect(url, timeout=60.0))
        empty, filled = memory_of(store), 0
        for size in SIZES:
            fill(store, filled, size, due)
            filled = size
            found[size] = {"bytes a job": (memory_of(store) - empty) / size, **steps(store)}
    return found


def _steps(store: Queue) -> dict[str, float]:
    store.register("bench", 600_000, "{}")
    last: Any = store.client.lindex("queue:mail", 0)
    return {
        "claim, and give back": median_claim(store, LISTS),
        "summary": median_of(store.snapshot),
        "first page of the queue": median_of(lambda: page(store, State.QUEUED, limit=50)),
        "look up the last job": median_of(lambda: get_job(store, last)),
    }


def _steps_with_delayed(store: Queue) -> dict[str, float]:
    """Enqueue one job that is due now. Return the times of a worker's steps (microseconds)."""
    store.register("bench", 600_000, "{}")
    store.enqueue(Message(f"now{time.time_ns()}", "a.task", {}, "mail", 0, 0, time.time()))
    return {
        "claim, and give back": median_claim(store, LISTS),
        "look for due jobs": median_of(lambda: store.promote_due("bench").send()),
    }

"""What grows when the work grows: memory a job, and the time of each step at a million jobs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.enqueue import _redis
from benchmarks.measuring import Measured, measure
from benchmarks.table import Table
from demo_app.broker.claim import Verdict
from demo_app.broker.connection import connect
from demo_app.broker.events import State
from demo_app.broker.inspect import get_job, page
from demo_app.broker.keys import lanes_of
from demo_app.broker.message import Message
from demo_app.broker.queue import Queue

SIZES = (1_000, 10_000, 100_000, 1_000_000)
WORKERS = (1, 2, 4)
PICTURE = Path("build/bench/growth.png")
LANES = lanes_of("mail")


def run() -> list[Table]:
    """One table by the queue's length, one by the number of worker processes; and a picture."""
    found: dict[int, dict[str, float]] = {}
    with _redis() as url:
        store = Queue(connect(url, timeout=60.0))
        empty = _memory(store)
        filled = 0
        for size in SIZES:
            _fill(store, filled, size)
            filled = size
            found[size] = {"bytes a job": (_memory(store) - empty) / size, **_steps(store)}
    names = list(found[SIZES[0]])
    rows = [[name, *(f"{found[size][name]:,.0f}" for size in SIZES)] for name in names]
    columns = ["microseconds, median", *(f"{size:,} queued" for size in SIZES)]
    by_workers = {count: measure("ours", 4000, workers=count) for count in WORKERS}
    _draw(found, by_workers)
    return [
        Table("The same step with more jobs queued", columns, rows, f"The picture: {PICTURE}"),
        Table(
            "Worker processes of four threads",
            ["processes", "mails a second", "processors busy"],
            [[str(n), f"{one.mails:.0f}", f"{one.busy:.0%}"] for n, one in by_workers.items()],
            "The workers, the sink and Redis share the processors named above.",
        ),
    ]


def _fill(store: Queue, begin: int, end: int) -> None:
    for start in range(begin, end, 1000):
        store.enqueue_many(
            [
                (Message(f"{n:036d}", "a.task", {"comment_id": n}, "mail", 0, 0, time.time()), None)
                for n in range(start, min(end, start + 1000))
            ]
        )


def _memory(store: Queue) -> int:
    told: Any = store.client.info("memory")
    return int(told["used_memory"])


def _steps(store: Queue) -> dict[str, float]:
    store.register("bench", 600_000, "{}")
    last: Any = store.client.lindex("queue:mail", 0)

    def claim_and_give_back() -> None:
        store.finish(store.claim("bench", LANES)[0].claim, Verdict.REQUEUE)

    steps: dict[str, Callable[[], object]] = {
        "claim, and give back": claim_and_give_back,
        "summary": store.summary,
        "first page of the queue": lambda: page(store.client, State.QUEUED, limit=50),
        "look up the last job": lambda: get_job(store.client, last),
    }
    return {name: _median(step) for name, step in steps.items()}


def _median(step: Callable[[], object], calls: int = 200) -> float:
    times = []
    for _ in range(calls):
        began = time.perf_counter()
        step()
        times.append((time.perf_counter() - began) * 1e6)
    return statistics.median(times)


def _draw(found: dict[int, dict[str, float]], by_workers: dict[int, Measured]) -> None:
    figure = Figure(figsize=(12, 5), layout="constrained")
    axes, beside = figure.subplots(1, 2, width_ratios=(3, 2))
    marks = iter(("o-", "s--", "^-.", "D:"))
    for name in list(found[SIZES[0]])[1:]:
        axes.plot(SIZES, [found[size][name] for size in SIZES], next(marks), label=name)
    axes.set(xscale="log", yscale="log", xlabel="jobs queued", ylabel="microseconds, median")
    axes.set_title("Each step, with more jobs queued", loc="left")
    axes.legend(frameon=False)
    counts = [str(count) for count in by_workers]
    bars = beside.bar(counts, [one.mails for one in by_workers.values()], color="#4878a8")
    beside.bar_label(bars, [f"{one.busy:.0%} busy" for one in by_workers.values()])
    beside.set(xlabel="worker processes", ylabel="mails a second")
    beside.set_title("More workers, until the processors are full", loc="left")
    for each in (axes, beside):
        each.spines[["top", "right"]].set_visible(False)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PICTURE, dpi=144)

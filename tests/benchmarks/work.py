"""Throughput: 2,000 mails through every queue, and what a SIGKILL of a worker costs each.

Each queue runs in the layout that was quickest in a short run before. The rounds are shuffled.
Twice: with the standard library's way to send a mail, and with this project's own.
"""

from __future__ import annotations

import random
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

from benchmarks.kills import JOBS as KILL_JOBS
from benchmarks.kills import PATIENCE, missing_after_a_kill
from benchmarks.measuring import JOBS, Measured, measure
from benchmarks.table import Table

#: Each peer: the package that it needs, and what it is called.
PEERS = {
    "ours": ("celery", "ours"),
    "stock": ("celery", "stock Celery"),
    "huey_app": ("huey", "Huey"),
    "dramatiq_app": ("dramatiq", "Dramatiq"),
    "rq_app": ("rq", "RQ"),
    "taskiq_app": ("taskiq_redis", "Taskiq, streams"),
}
ROUNDS = 5
SENDERS = {"plain": "smtplib, a connection a mail", "quick": "this project's sender"}


class _Run(NamedTuple):
    peer: str
    sender: str


def run() -> list[Table]:
    """Two tables: mails a second with each sender; layout, costs and losses of each queue."""
    peers = [name for name, (package, _) in PEERS.items() if find_spec(package)]
    layouts = {name: _best_layout(name) for name in peers}
    runs = [_Run(name, sender) for name in peers for sender in SENDERS]
    found: dict[_Run, list[Measured]] = defaultdict(list)
    for number in range(ROUNDS):
        for one in random.sample(runs, len(runs)):  # a slow minute of the machine hits any of them
            _say(f"round {number + 1} of {ROUNDS}: {PEERS[one.peer][1]}, {one.sender}")
            settings = {"BENCH_SENDER": one.sender}
            found[one].append(measure(one.peer, layout=layouts[one.peer], settings=settings))
    lost = {name: missing_after_a_kill(name, layouts[name]) for name in peers}
    return [_speed(peers, found), _costs(peers, layouts, found, lost)]


def _speed(peers: list[str], found: dict[_Run, list[Measured]]) -> Table:
    rows = [[PEERS[name][1]] for name in peers]
    columns = ["queue"]
    for sender, title in SENDERS.items():
        rates = {name: [one.mails for one in found[_Run(name, sender)]] for name in peers}
        quickest = max(statistics.median(rates[name]) for name in peers if name != "ours")
        columns += [f"mails a second: {title}", "spread", "of the quickest peer"]
        for row, name in zip(rows, peers, strict=True):
            share = statistics.median(rates[name]) / quickest
            spread = f"{min(rates[name]):.0f} to {max(rates[name]):.0f}"
            row += [f"{statistics.median(rates[name]):.0f}", spread, f"{share:.2f}"]
    note = f"Medians of {ROUNDS} rounds. The sender's code is the same for every queue."
    return Table(f"{JOBS:,} mails through each queue", columns, rows, note)


def _costs(
    peers: list[str],
    layouts: dict[str, str],
    found: dict[_Run, list[Measured]],
    lost: dict[str, int],
) -> Table:
    def median(name: str, what: Callable[[Measured], float]) -> float:
        return statistics.median(what(one) for one in found[_Run(name, "quick")])

    rows = [
        [
            PEERS[name][1],
            layouts[name],
            f"{median(name, lambda one: one.cost):.0f}",
            f"{median(name, lambda one: one.busy):.0%}",
            f"{median(name, lambda one: one.sink):.0%}",
            f"{median(name, lambda one: one.enqueue):.0f}",
            str(lost[name]),
        ]
        for name in peers
    ]
    columns = [
        *("queue", "its quickest layout", "processor, µs a mail", "processors busy"),
        *("the sink's processor", "enqueue, µs", f"missing {PATIENCE:.0f} s after a SIGKILL"),
    ]
    note = (
        "With this project's sender. The processor time is the workers' and Redis'. The sink is "
        "one process for all: when it is at 100 %, no queue can do more. The last column: of "
        f"{KILL_JOBS} jobs of a run in which one process was killed; what a queue brings back "
        "later than that is missing too."
    )
    return Table("How each queue ran", columns, rows, note)


def _best_layout(name: str) -> str:
    _say(f"layouts: {PEERS[name][1]}")
    layouts = list(import_module(f"benchmarks.peers.{name}").LAYOUTS)
    rates: dict[str, list[float]] = {layout: [] for layout in layouts}
    for _ in range(2 if len(layouts) > 1 else 0):
        for layout in layouts:
            rates[layout].append(measure(name, JOBS // 2, layout=layout).mails)
    return max(layouts, key=lambda layout: statistics.median(rates[layout] or [0.0]))


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)

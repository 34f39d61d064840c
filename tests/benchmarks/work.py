"""Throughput of 2,000 mails through each queue, and the missing mails after a SIGKILL of a worker.

Each queue runs in the layout that was fastest in a short run. Each runs with two senders of mail:
the standard library's, and this project's. The order of the rounds is random.
"""

import os
import random
import signal
import statistics
import sys
from collections import defaultdict
from importlib import import_module

import psutil

from benchmarks.measuring import JOBS, Measured, Running, at_work, measure, seconds_of
from benchmarks.table import Table
from demo_app.rig.polling import until

#: The modules of the peers, and their names in the table.
PEERS = {
    "ours": "Celery on claims",
    "stock": "stock Celery",
    "huey_app": "Huey",
    "dramatiq_app": "Dramatiq",
    "rq_app": "RQ",
    "taskiq_app": "Taskiq, streams",
}
ROUNDS = 5
#: Number of jobs in the run in which a worker is killed.
KILL_JOBS = 200
#: Duration of each job (seconds): long enough that a worker runs a job when it is killed.
JOB_SECONDS = 0.1
#: Maximum seconds from the kill to the count. New workers start right after the kill.
PATIENCE = 20.0
SENDERS = {"plain": "smtplib, one connection per mail", "quick": "this project's sender"}


#: The key is a pair of a peer and a sender.
Found = dict[tuple[str, str], list[Measured]]


def run() -> list[Table]:
    layouts = {name: _best_layout(name) for name in PEERS}
    runs = [(name, sender) for name in PEERS for sender in SENDERS]
    found: Found = defaultdict(list)
    for number in range(ROUNDS):
        # random order, so that a slow minute of the machine can hit any queue
        for name, sender in random.sample(runs, len(runs)):
            _log(f"round {number + 1} of {ROUNDS}: {PEERS[name]}, {sender}")
            found[name, sender].append(measure(name, layout=layouts[name], BENCH_SENDER=sender))
    lost = {name: _missing_after_a_kill(name, layouts[name]) for name in PEERS}
    return [_speed(found), _costs(layouts, found, lost)]


def _speed(found: Found) -> Table:
    rows = [[title] for title in PEERS.values()]
    columns = ["queue"]
    for sender, title in SENDERS.items():
        rates = {name: [one.mails for one in found[name, sender]] for name in PEERS}
        quickest = max(statistics.median(rates[name]) for name in PEERS if name != "ours")
        columns += [f"mails per second: {title}", "spread", "share of the quickest queue"]
        for row, name in zip(rows, PEERS, strict=True):
            share = statistics.median(rates[name]) / quickest
            spread = f"{min(rates[name]):.0f} to {max(rates[name]):.0f}"
            row += [f"{statistics.median(rates[name]):.0f}", spread, f"{share:.2f}"]
    note = f"Medians of {ROUNDS} rounds. The sender's code is the same for every queue."
    return Table(f"{JOBS:,} mails through each queue", columns, rows, note)


def _costs(layouts: dict[str, str], found: Found, lost: dict[str, int]) -> Table:
    rows = []
    for name in PEERS:
        middle = Measured(*map(statistics.median, zip(*found[name, "quick"], strict=True)))
        shares = [f"{middle.busy:.0%}", f"{middle.sink:.0%}"]
        cells = [f"{middle.cost:.0f}", *shares, f"{middle.enqueue:.0f}", str(lost[name])]
        module = import_module(f"benchmarks.peers.{name}")
        rows.append([PEERS[name], layouts[name], *cells, module.SETTINGS])
    columns = [
        *("queue", "its quickest layout", "processor, µs a mail", "processors busy"),
        *("the sink's processor", "enqueue, µs", f"missing {PATIENCE:.0f} s after a SIGKILL"),
        "settings that are not defaults",
    ]
    note = (
        "Every queue uses this project's sender. The processor time is that of the workers and "
        "of Redis. The sink is one process for all: when it is at 100 %, no queue can do more. "
        f"Missing: of {KILL_JOBS} jobs, after one process was killed; jobs that a queue gives back "
        "later count as missing too."
    )
    return Table("The layout and the costs of each queue", columns, rows, note)


def _best_layout(name: str) -> str:
    _log(f"layouts: {PEERS[name]}")
    layouts = list(import_module(f"benchmarks.peers.{name}").LAYOUTS)
    rates: dict[str, list[float]] = {layout: [] for layout in layouts}
    for _ in range(2 if len(layouts) > 1 else 0):
        for layout in layouts:
            rates[layout].append(measure(name, JOBS // 2, layout=layout).mails)
    return max(layouts, key=lambda layout: statistics.median(rates[layout] or [0.0]))


def _missing_after_a_kill(name: str, layout: str) -> int:
    """Run KILL_JOBS jobs, kill one process that runs jobs, and start new workers. Return how many
    jobs are not done PATIENCE seconds later."""
    with at_work(name, KILL_JOBS, layout, BENCH_SECONDS=str(JOB_SECONDS)) as running:
        until(lambda: running.arrived()[0] >= KILL_JOBS // 4, 60.0)
        os.kill(_busiest(running), signal.SIGKILL)
        for _ in list(running.workers):
            running.start_worker()
        until(lambda: running.arrived()[0] >= KILL_JOBS, PATIENCE)
        return KILL_JOBS - running.arrived()[0]


def _busiest(running: Running) -> int:
    """Return the pid of the childless process with the most processor time: it runs jobs."""
    leaves = [
        process
        for worker in running.workers
        for process in (psutil.Process(worker.pid), *psutil.Process(worker.pid).children(True))
        if not process.children()
    ]
    return max(leaves, key=lambda process: seconds_of([process.pid])).pid


def _log(what: str) -> None:
    print(what, file=sys.stderr, flush=True)

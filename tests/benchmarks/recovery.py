"""Benchmarks of the start-up, and of the recovery after a SIGKILL."""

import statistics
import subprocess
import sys
import time

from benchmarks.table import Table
from demo_app.demo.run import run as run_demo
from demo_app.stack import Stack
from demo_app.stack.client import Client

KILLS, STARTS = 20, 5
IMPORTS = ("demo_app", "demo_app.jobs", "demo_app.stack")


def run() -> list[Table]:
    starts, workers = [], []
    for _ in range(STARTS):
        began = time.perf_counter()
        with Stack(restart=False) as stack:
            starts.append(time.perf_counter() - began)
            stack.kill("worker")
            began = time.perf_counter()
            stack.start("worker")
            workers.append(time.perf_counter() - began)
    rows = [
        _row("a killed worker's jobs run again", _recoveries(report_deaths=False)),
        _row("the same, its death reported", _recoveries(report_deaths=True)),
        _row("the stack is ready after `up`", starts),
        _row("a worker is ready", workers),
        *(_row(f"`import {name}`", _import_seconds(name)) for name in IMPORTS),
    ]
    return [Table("Start-up and recovery", ["", "median, s", "slowest, s", "measurements"], rows)]


def _row(name: str, seconds: list[float]) -> list[str]:
    return [name, f"{statistics.median(seconds):.2f}", f"{max(seconds):.2f}", str(len(seconds))]


def _recoveries(report_deaths: bool) -> list[float]:
    """Run the demo several times with two workers, and kill one in each run. Return the recovery
    times (seconds).

    With one kill per run, no job becomes a suspected poison job.

    Args:
        report_deaths: True to rescue jobs as soon as the supervisor sees the death; False to wait
            until the lease of the dead worker has expired.
    """
    found: list[float] = []
    with Stack(workers=2, report_deaths=report_deaths) as stack, Client(stack.ready) as client:
        while len(found) <= KILLS:
            client.wait_for(lambda now: sum(worker["alive"] for worker in now["workers"]) == 2)
            found += run_demo(stack, 40, 1, lambda *_: None)[0].recovery_s
    # leave out the first recovery, which is late: no job is rescued before Redis has been up for a
    # whole lease
    return found[1:]


def _import_seconds(name: str) -> list[float]:
    return [_python_seconds(f"import {name}") - _python_seconds("pass") for _ in range(STARTS)]


def _python_seconds(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began

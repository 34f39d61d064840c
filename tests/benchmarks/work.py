"""Throughput: 2,000 jobs, each one mail delivered over SMTP, eight at a time, on every queue.

The jobs are put in first; the clock runs from the start of the first delivery to the end of the
last, with workers that were ready before. Redis keeps an append-only file, fsync each second.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from benchmarks.table import Table
from demo_app.stack import Options, ports
from demo_app.stack.redis_server import start

PEERS = {
    "ours": "celery",
    "stock": "celery",
    "huey_app": "huey",
    "dramatiq_app": "dramatiq",
    "rq_app": "rq",
}
JOBS = 2000
ROUNDS = 3


class Measured(NamedTuple):
    """mails: a second. enqueue: microseconds, median. cost: microseconds of processor time that a
    mail takes of the workers and Redis. busy: the share of all processors, 0 to 1. sink: the share
    of one processor that the mail sink had."""

    mails: float
    enqueue: float
    cost: float
    busy: float
    sink: float


def run() -> list[Table]:
    """One table: jobs a second, and microseconds to put one in, for each queue that is there."""
    names = [name for name, package in PEERS.items() if find_spec(package)]
    found: dict[str, list[Measured]] = {name: [] for name in names}
    for _ in range(ROUNDS):  # in turn, so that a slow minute of the machine hits all of them
        for name in names:
            found[name].append(measure(name))
    quickest = max(statistics.median(m.mails for m in found[n]) for n in names if n != "ours")
    rows = []
    for name in names:
        rates = sorted(one.mails for one in found[name])
        median = statistics.median(rates)
        rows.append(
            [
                name.removesuffix("_app"),
                f"{median:.0f}",
                f"{rates[0]:.0f} to {rates[-1]:.0f}",
                f"{median / quickest:.2f}",
                f"{statistics.median(one.cost for one in found[name]):.0f}",
                f"{statistics.median(one.sink for one in found[name]):.0%}",
                f"{statistics.median(one.enqueue for one in found[name]):.0f}",
            ]
        )
    columns = [
        *("queue", "mails a second", "spread", "of the quickest peer"),
        *("processor, µs a mail", "the sink's processor", "enqueue, µs"),
    ]
    note = (
        "The processor time is the workers' and Redis'; the sink is one process for all, "
        "and when it is at 100 % no queue can do more."
    )
    return [Table(f"{JOBS:,} mails through each queue", columns, rows, note)]


def measure(
    name: str,
    jobs: int = JOBS,
    *,
    settings: Mapping[str, str] | None = None,
    options: Options | None = None,
    workers: int | None = None,
) -> Measured:
    """What one peer does.

    settings: further environment variables. options: how Redis keeps its data. workers: so many
    worker processes, in place of the peer's own number.
    """
    module = f"benchmarks.peers.{name}"
    with _servers(options or Options()) as (environment, sink, redis):
        environment |= settings or {}
        run_python = [sys.executable, "-m", "benchmarks.drive"]
        told = subprocess.run(
            [*run_python, module, str(jobs)], env=environment, capture_output=True, text=True
        )
        if told.returncode:
            raise RuntimeError(f"{name}: {told.stderr[-2000:]}")
        peer = json.loads(told.stdout)
        doing = [redis]
        with ExitStack() as running:
            for command in islice(cycle(peer["workers"]), workers or len(peer["workers"])):
                worker = subprocess.Popen(
                    command,
                    env={**environment, **peer["environment"]},
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
                running.callback(_end, worker)
                doing.append(worker)
            return _measured(sink, [one.pid for one in doing], jobs, float(peer["enqueue_us"]))


def _measured(sink: subprocess.Popen[str], doing: list[int], jobs: int, enqueue: float) -> Measured:
    """From the moment when a tenth has arrived, and every worker surely runs, to the last mail."""
    first: tuple[int, float] | None = None
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        count, last = _ask(sink)
        if first is None and count >= jobs // 10:
            first = (count, last)
            psutil.cpu_percent()  # counts from here
            cost, sinking = seconds_of(doing), seconds_of([sink.pid])
        if first is not None and count >= jobs:
            mails, seconds = count - first[0], last - first[1]
            return Measured(
                mails / seconds,
                enqueue,
                (seconds_of(doing) - cost) / mails * 1e6,
                psutil.cpu_percent() / 100,
                (seconds_of([sink.pid]) - sinking) / seconds,
            )
        time.sleep(0.02)
    raise RuntimeError(f"only {_ask(sink)[0]} of {jobs} mails arrived")


def seconds_of(pids: list[int]) -> float:
    """Processor time of these processes and all that they have started."""
    total = 0.0
    for pid in pids:
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                total += sum(process.cpu_times()[:4])
    return total


def _ask(sink: subprocess.Popen[str]) -> tuple[int, float]:
    assert sink.stdin is not None
    assert sink.stdout is not None
    sink.stdin.write("?\n")
    sink.stdin.flush()
    count, last = sink.stdout.readline().split()
    return int(count), float(last)


def _end(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, 9)
    process.wait()


@contextmanager
def _servers(
    options: Options,
) -> Iterator[tuple[dict[str, str], subprocess.Popen[str], subprocess.Popen[Any]]]:
    with tempfile.TemporaryDirectory(prefix="bench-") as name, ExitStack() as running:
        folder = Path(name)
        redis, url = start(folder, options)
        running.callback(redis.wait)
        running.callback(redis.kill)
        port = ports.take(0, "the mail server")
        sink = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.counting_sink", str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.callback(sink.wait)
        running.callback(sink.kill)
        assert sink.stdout is not None
        sink.stdout.readline()
        yield (
            {
                **os.environ,
                "DEMO_DIR": name,
                "DEMO_REDIS_URL": url,
                "DEMO_SMTP_URL": f"smtp://127.0.0.1:{port}",
                "PYTHONWARNINGS": "ignore",
            },
            sink,
            redis,
        )

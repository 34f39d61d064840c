"""Measurement of one queue with 2,000 mails over SMTP: one job for each, eight jobs at a time.

The jobs are enqueued before the workers start. The time is measured from the first tenth of the
mails to the last one. Redis keeps an append-only file, with one fsync per second.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import cycle
from typing import Any, NamedTuple

import psutil

from demo_app.broker.claim import Disposition
from demo_app.broker.message import Message
from demo_app.broker.queue import Queue
from demo_app.rig import ports
from demo_app.rig.process_group import ProcessGroup
from demo_app.rig.redis_server import RedisServer

JOBS = 2000


class Measured(NamedTuple):
    """The results of one measurement.

    Attributes:
        mails: mails per second.
        enqueue: time of an enqueue (microseconds, median).
        cost: processor time of the workers and Redis for each mail (microseconds).
        redis: processor time of Redis alone for each mail (microseconds).
        busy: share of all processors that the whole machine used, 0 to 1.
        sink: share of one processor that the mail sink used.
    """

    mails: float
    enqueue: float
    cost: float
    redis: float
    busy: float
    sink: float


def measure(name: str, jobs: int = JOBS, **how: Any) -> Measured:
    """Measure from the first tenth of the mails, when every worker runs, to the last mail."""
    with at_work(name, jobs, **how) as running:
        doing = [running.redis.pid, *(worker.pid for worker in running.workers)]
        measured = (doing, doing[:1], [running.sink.pid])
        first, began = running.after(jobs // 10)
        psutil.cpu_percent()  # start of the interval that the next call measures
        before = [seconds_of(pids) for pids in measured]
        last, ended = running.after(jobs)
        busy, mails, seconds = psutil.cpu_percent() / 100, last - first, ended - began
        spent = zip(measured, before, strict=True)
        cost, redis, sink = (seconds_of(pids) - earlier for pids, earlier in spent)
    rate, cost, redis = mails / seconds, cost * 1e6 / mails, redis * 1e6 / mails
    return Measured(rate, running.enqueue, cost, redis, busy, sink / seconds)


class Running(NamedTuple):
    """A peer (one of the compared queues) with its servers and workers.

    Attributes:
        enqueue: time of an enqueue (microseconds, median).
        start_worker: starts one more worker, and appends it to `workers`.
    """

    sink: subprocess.Popen[str]
    redis: RedisServer
    workers: list[subprocess.Popen[bytes]]
    enqueue: float
    start_worker: Callable[[], None]

    def arrived(self) -> tuple[int, float]:
        """Return the number of different mails, and when the last one arrived (epoch seconds)."""
        self.sink.stdin.write("?\n")
        self.sink.stdin.flush()
        count, last = self.sink.stdout.readline().split()
        return int(count), float(last)

    def after(self, mails: int) -> tuple[int, float]:
        """Wait until this number of mails has arrived. Return the result of `arrived()`. Raises
        RuntimeError after 2 minutes."""
        deadline = time.monotonic() + 120
        while (found := self.arrived())[0] < mails:
            if time.monotonic() > deadline:
                raise RuntimeError(f"only {found[0]} of {mails} mails arrived")
            time.sleep(0.02)  # short, so that the measurement ends soon after the last mail
        return found


@contextmanager
def at_work(
    name: str, jobs: int, layout: str = "", workers: int | None = None, **settings: str
) -> Iterator[Running]:
    """Enqueue the jobs and start the peer's workers. Stop everything at the end of the block.

    Args:
        name: the peer's module in `benchmarks.peers`.
        layout: one of the peer's layouts; "": the first one.
        workers: number of worker commands to start; None: each command of the layout once.
        settings: more environment variables.
    """
    port = ports.take(0, "the mail server")
    with ProcessGroup() as group, RedisServer(group) as redis:
        group.environment |= {
            "DEMO_DIR": str(group.folder),
            "DEMO_REDIS_URL": redis.url,
            "DEMO_SMTP_URL": f"smtp://127.0.0.1:{port}",
            "PYTHONWARNINGS": "ignore",
            **settings,
        }
        command = [sys.executable, "-m", "benchmarks.counting_sink", str(port)]
        sink = group.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        sink.stdout.readline()
        drive = [sys.executable, "-m", "benchmarks.drive", f"benchmarks.peers.{name}", str(jobs)]
        output = subprocess.run(drive, env=group.environment, capture_output=True, text=True)
        if output.returncode:
            raise RuntimeError(f"{name}: {output.stderr[-2000:]}")
        peer = json.loads(output.stdout)
        commands = peer["layouts"][layout or next(iter(peer["layouts"]))]
        doing: list[subprocess.Popen[bytes]] = []
        more, silent = cycle(commands), subprocess.DEVNULL

        def start_worker() -> None:
            doing.append(group.start(next(more), stdout=silent, stderr=silent))

        for _ in range(workers or len(commands)):
            start_worker()
        yield Running(sink, redis, doing, float(peer["enqueue_us"]), start_worker)


def timed(step: Callable[[], object], calls: int) -> list[float]:
    """Call `step` `calls` times. Return the time of each call (microseconds)."""
    times = []
    for _ in range(calls):
        began = time.perf_counter()
        step()
        times.append((time.perf_counter() - began) * 1e6)
    return times


def median_of(step: Callable[[], object], calls: int = 200) -> float:
    """Return the median time of a call (microseconds)."""
    return statistics.median(timed(step, calls))


def median_claim(store: Queue, lists: Sequence[str], calls: int = 200) -> float:
    """Return the median time to claim and requeue a job, as the worker `bench` (microseconds)."""

    def claim_and_requeue() -> None:
        [claimed] = store.claim("bench", lists)
        store.finish(claimed.claim, Disposition.REQUEUE)

    return median_of(claim_and_requeue, calls)


def memory_of(store: Queue) -> int:
    """Return the memory that Redis uses (bytes)."""
    return store.client.info("memory")["used_memory"]


def fill(
    store: Queue, begin: int, end: int, due: float | None = None, queues: Sequence[str] = ("mail",)
) -> None:
    for first in range(begin, end, 1000):
        jobs = (
            Message(f"{n:036d}", "a.task", {"comment_id": n}, queues[n % len(queues)])
            for n in range(first, min(end, first + 1000))
        )
        store.enqueue_many([(job, due) for job in jobs])


def seconds_of(pids: list[int]) -> float:
    """Return the processor time of these processes and their children (seconds)."""
    total = 0.0
    for pid in pids:
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                total += sum(process.cpu_times()[:4])
    return total

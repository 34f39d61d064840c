"""The load of many workers on Redis, compared with stock Celery, and of a million waiting jobs.

Hundreds of Celery workers do not fit on one machine. So each worker is a thread of this process
with its own connection, channel and consumer, which send the same commands, scripts and heartbeats
as in a real worker. The numbers do not include Celery's other messages (events, mailbox).
Acknowledging a job and claiming the next one are two commands here; in a real worker they are
usually one.
"""

import gc
import json
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import kombu
from support import allow_death_checks, die, redis_running, until

from benchmarks.measuring import fill, median_claim, median_of, memory_of
from benchmarks.table import Table, table_by_size
from demo_app.broker.connection import connect
from demo_app.broker.exposition import exposition
from demo_app.broker.in_flight import InFlight
from demo_app.broker.keys import lists_of
from demo_app.broker.queue import Queue
from demo_app.broker.transport import Transport

WORKERS = (1, 10, 50, 100, 200, 400)
SECONDS, JOBS = 10, 1_000
WAITING, QUEUES = 1_000_000, (1, 1_000)
SCHEMES = {"stock": "redis+socket", "claims": "claims+unix"}
#: The commands that count for claims. Commands inside of a script do not count, although Redis's
#: statistics contain them. For stock, all commands except INFO count.
_SENT = ("eval", "evalsha", "blpop", "ping")
_HELD = 10


class Measured(NamedTuple):
    """The results of one measurement.

    Attributes:
        commands: number per second while no job runs.
        busy: share of one processor that Redis uses while no job runs.
        per_job: commands for each job, without the commands that idle workers send.
        cost: Redis's processor time for each job, without that of idle workers (microseconds).
    """

    commands: float
    busy: float
    per_job: float
    cost: float


def run() -> list[Table]:
    return [_fleets(), _waiting()]


def _fleets() -> Table:
    columns = ["idle workers"]
    for measured in ("commands a second", "Redis' processor", "commands a job", "Redis, µs a job"):
        columns += [measured, "stock Celery"]
    rows = []
    for count in WORKERS:
        claims, stock = (_measure(transport, count) for transport in ("claims", "stock"))
        cells = [f"{claims.commands:.0f}", f"{stock.commands:.0f}"]
        cells += [f"{claims.busy:.1%}", f"{stock.busy:.1%}"]
        cells += [f"{claims.per_job:.1f}", f"{stock.per_job:.1f}"]
        rows.append([f"{count}", *cells, f"{claims.cost:.0f}", f"{stock.cost:.0f}"])
    note = (
        "All workers consume one queue. Each worker is a thread with its own channel, which sends "
        "the real scripts and heartbeats, or stock Celery's commands. The workers are idle for "
        f"{SECONDS} s; then they run {JOBS:,} jobs, each enqueued when the job before has ended. A "
        "script is one command, whatever it does; each command of stock Celery's pipelines counts. "
        "Other messages of Celery (events, mailbox) do not count."
    )
    return Table("Idle workers, compared with stock Celery", columns, rows, note)


def _measure(transport: str, count: int) -> Measured:
    with (
        redis_running() as url,
        _fleet(SCHEMES[transport] + url[url.index(":") :], count) as put_in,
    ):
        client: Any = connect(url)
        until(lambda: client.info("clients")["blocked_clients"] >= count, 300, "that all wait")
        time.sleep(3)  # wait until the workers have sent their start-up commands
        before = _spent(client, transport)
        time.sleep(SECONDS)  # the measured interval
        after = _spent(client, transport)
        waited, *counts = (now - then for now, then in zip(after, before, strict=True))
        idle = [count / waited for count in counts]
        put_in(JOBS)
        ended = _spent(client, transport)
        took = ended[0] - after[0]
        commands, busy = (
            (now - then - rate * took) / JOBS
            for now, then, rate in zip(ended[1:], after[1:], idle, strict=True)
        )
        return Measured(*idle, commands, busy * 1e6)


def _spent(client: Any, transport: str) -> tuple[float, float, float]:
    """Return the time, the number of commands so far, and Redis's processor time (seconds)."""
    calls = {
        name.removeprefix("cmdstat_"): found["calls"]
        for name, found in client.info("commandstats").items()
    }
    names = _SENT if transport == "claims" else calls.keys() - {"info"}
    cpu = client.info("cpu")
    seconds = cpu["used_cpu_sys"] + cpu["used_cpu_user"]
    return time.monotonic(), sum(calls.get(name, 0) for name in names), seconds


@contextmanager
def _fleet(url: str, count: int) -> Iterator[Any]:
    """Run `count` workers on the broker. Yield a function that runs jobs one by one."""
    ended, stopping = threading.Semaphore(0), threading.Event()
    threads = [
        threading.Thread(target=_work, args=(url, ended, stopping), daemon=True)
        for _ in range(count)
    ]

    def put_in(jobs: int) -> None:
        for number in range(jobs):
            headers = {"task": "fleet.nothing", "id": f"{number:036d}"}
            producer.publish([[], {}, {}], routing_key="jobs", headers=headers)
            if not ended.acquire(timeout=60):
                raise RuntimeError(f"the job {number} of {jobs} has not ended")

    with kombu.Connection(url) as connection:
        producer = connection.Producer(serializer="json")
        for thread in threads:
            thread.start()
        try:
            yield put_in
        finally:
            stopping.set()
            for thread in threads:
                thread.join()
            gc.collect()  # closes the workers' connections


def _work(url: str, ended: threading.Semaphore, stopping: threading.Event) -> None:
    def end(_: Any, message: Any) -> None:
        message.ack()
        ended.release()

    with kombu.Connection(url) as connection:
        ours = isinstance(connection.transport, Transport)
        if ours:  # each thread needs its own lease and heartbeat, like a process
            connection.transport.in_flight_class = type("Own", (InFlight,), {})
        with kombu.Consumer(connection, [kombu.Queue("jobs")], callbacks=[end]) as consumer:
            consumer.qos(prefetch_count=1)
            while not stopping.is_set():
                with suppress(TimeoutError):
                    connection.drain_events(timeout=2)
            if ours:
                consumer.channel.in_flight.leave()


def _waiting() -> Table:
    found = {count: _steps(count) for count in QUEUES}
    note = (
        f"Stock Celery's message of the same job takes {_bytes_of_stock():,.0f} bytes. "
        f"A rescue gives back the {_HELD} jobs of a dead worker."
    )
    title = f"{WAITING:,} waiting jobs, by the number of queues"
    return table_by_size(title, "in {:,}", found, note)


def _steps(count: int) -> dict[str, float]:
    with redis_running() as url:
        store = Queue(connect(url, timeout=60.0))
        allow_death_checks(store)
        empty = memory_of(store)
        names = [f"queue-{number}" for number in range(count)]
        fill(store, 0, WAITING, queues=names)
        bytes_a_job = (memory_of(store) - empty) / WAITING
        store.register("bench", 600_000, "{}")
        one, every = lists_of("queue-0"), lists_of(*names)
        return {
            "bytes a job": bytes_a_job,
            "claim from one queue, and give back": median_claim(store, one, 50),
            "claim from all queues, and give back": median_claim(store, every, 50),
            "snapshot": median_of(store.snapshot, 50),
            "metrics": median_of(lambda: _metrics(store), 50),
            "rescue": statistics.median(_rescues(store, one)),
        }


def _metrics(store: Queue) -> str:
    queues = store.snapshot(limit=1, with_history=1).queues()
    lengths = {one.name: float(one.size) for one in queues}
    return exposition([("length", "queue", lengths), ("age", "queue", lengths)])


def _rescues(store: Queue, lists: Sequence[str]) -> Iterator[float]:
    for number in range(20):
        store.register(f"dies-{number}", 60_000, "{}")
        assert len(store.claim(f"dies-{number}", lists, _HELD)) == _HELD
        die(store, f"dies-{number}")
        store.client.delete("look")
        began = time.perf_counter()
        moved = store.rescue("bench", 60_000, 99).send()
        yield (time.perf_counter() - began) * 1e6
        assert len(moved) == _HELD
        store.client.delete("deaths")  # so that no job counts as a suspect


def _bytes_of_stock(copies: int = 100_000) -> float:
    """Return the memory of one job in a queue of stock Celery (bytes)."""
    with redis_running() as url, kombu.Connection(url) as connection:
        store = Queue(connect(url))
        arguments = [[], {"comment_id": 1}, json.loads('{"chain": null}')]
        headers = {"task": "a.task", "id": f"{1:036d}"}
        producer = connection.Producer(serializer="json")
        producer.publish(arguments, routing_key="jobs", headers=headers)
        [text] = store.client.lrange("jobs", 0, -1)
        empty = memory_of(store)
        for _ in range(0, copies, 1000):
            store.client.lpush("jobs", *[text] * 1000)
        return (memory_of(store) - empty) / copies

"""Everything at one glance: counts, workers, Redis.

One consistent snapshot from one Lua script; what a worker's own process says comes on top. A
worker that was killed keeps its lease for a few seconds; on this machine its process is looked
for, so that the page says so within a second.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from demo_app.broker.connection import Decoded
from demo_app.broker.events import State, moment_of, object_of
from demo_app.broker.queue import Queue
from demo_app.broker.snapshot import Snapshot as Moment
from demo_app.jobs.backend import Backend
from demo_app.web import processes

STATES = tuple(state.value for state in State)


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker. left: seconds until its lease ends, unless it is renewed.

    here: whether it runs on this machine, where it can be sent a signal. alive: its lease holds,
    and its process runs as far as that can be seen. since: epoch seconds.
    """

    id: str
    pid: int
    alive: bool
    running: int
    host: str = ""
    here: bool = False
    quiet: bool = False
    left: float = 0.0
    concurrency: int = 0
    queues: tuple[str, ...] = ()
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """See the module. count: by state, and `enqueued`. late: acknowledgements after a rescue.
    moment: what the queue in Redis said; None when the jobs are kept elsewhere."""

    count: dict[str, int]
    late: int = 0
    workers: tuple[Worker, ...] = ()
    moment: Moment | None = None

    @property
    def missing(self) -> int:
        """How many of the jobs that were ever put in are in no state."""
        return self.count["enqueued"] - sum(self.count[state] for state in STATES)

    @property
    def conserved(self) -> bool:
        """Whether every job that was ever put in is in exactly one state."""
        return self.missing == 0

    @property
    def alive(self) -> int:
        """How many workers live."""
        return sum(worker.alive for worker in self.workers)

    @property
    def stranded(self) -> bool:
        """Whether jobs wait and nobody is there to run them."""
        return self.count["queued"] > 0 and not any(w.alive and not w.quiet for w in self.workers)

    def worker(self, worker_id: str | None) -> Worker | None:
        """The worker of that id."""
        return next((worker for worker in self.workers if worker.id == worker_id), None)


@dataclass(frozen=True, slots=True)
class RedisState:
    """What the server says of itself. info: the answer to INFO.

    persistence: "aof", "rdb" or "none". appendfsync: when the append-only file is synced.
    """

    info: dict[str, Any]
    persistence: str
    appendfsync: str


def take(
    queue: Queue | None, backend: Backend, most: int = 0, whole: int = 0, ids: Sequence[str] = ()
) -> Snapshot:
    """Look; most, whole, ids: as in `Queue.snapshot`.

    Raises redis.ConnectionError or redis.TimeoutError when Redis can't be reached.
    """
    moment = None if queue is None else queue.snapshot(most, whole, ids)
    given = backend.count_by_state() if moment is None else moment.count
    seen = () if moment is None else moment.workers
    count = {state: int(given.get(state, 0)) for state in STATES}
    enqueued = int(given.get("enqueued", sum(count.values())))
    workers = sorted(map(_worker, seen), key=lambda worker: (worker.since, worker.id))
    return Snapshot(
        {"enqueued": enqueued, **count}, int(given.get("late", 0)), tuple(workers), moment
    )


def redis_state(client: Decoded) -> RedisState:
    """What the Redis server says of itself."""
    info: dict[str, Any] = client.info()
    append_only = bool(info.get("aof_enabled"))
    setting = "appendfsync" if append_only else "save"
    value = client.config_get(setting).get(setting, "")
    if append_only:
        return RedisState(info, "aof", value)
    return RedisState(info, "rdb" if value else "none", "")


def _worker(given: dict[str, Any]) -> Worker:
    said = object_of(given["said"] or "")
    pid, host = _count(said.get("pid")) or pid_of(given["id"]), str(said.get("host", ""))
    here, served = processes.is_here(host), said.get("served")
    return Worker(
        id=given["id"],
        pid=pid,
        host=host,
        alive=bool(given["alive"]) and not (here and not processes.lives(pid)),
        here=here,
        quiet=bool(given.get("paused")),
        running=int(given["running"]),
        left=max(0, int(given.get("left", 0))) / 1000,
        concurrency=_count(said.get("concurrency")),
        queues=tuple(map(str, served)) if isinstance(served, list) else (),
        since=moment_of(said.get("since")),
    )


def _count(value: object) -> int:
    """A whole number as a worker says it of itself; 0 for what is none."""
    return value if isinstance(value, int) and 0 <= value < 2**31 else 0


def pid_of(worker: str) -> int:
    """Of a worker that Redis has forgotten: its name is host-pid-random.number."""
    found = re.search(r"-([0-9]{1,9})-[^-]*$", worker)
    return int(found[1]) if found else 0

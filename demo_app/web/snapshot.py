"""Everything at one glance: counts, workers, Redis.

One consistent snapshot from one Lua script; what a worker's own process says comes on top. A
worker that was killed keeps its lease for a few seconds; on this machine its process is looked
for, so that the page says so within a second.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from demo_app.broker.connection import Decoded
from demo_app.broker.events import State
from demo_app.broker.queue import Queue
from demo_app.jobs.backend import Backend
from demo_app.web import processes

STATES = tuple(state.value for state in State)


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker. left: seconds until its lease ends, unless it is renewed.

    here: whether it runs on this machine, where it can be sent a signal. alive: its lease holds,
    and its process runs as far as that can be seen.
    """

    id: str
    pid: int
    host: str
    alive: bool
    here: bool
    quiet: bool
    running: int
    left: float
    python: str
    celery: str
    concurrency: int
    queues: tuple[str, ...]
    since: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """See the module. count: by state, and `enqueued`. late: acknowledgements after a rescue."""

    count: dict[str, int]
    late: int
    workers: tuple[Worker, ...]
    at: float

    @property
    def conserved(self) -> bool:
        """Whether every job that was ever put in is in exactly one state."""
        return self.count["enqueued"] == sum(self.count[state] for state in STATES)

    @property
    def missing(self) -> int:
        """How many jobs are in no state."""
        return self.count["enqueued"] - sum(self.count[state] for state in STATES)

    @property
    def alive(self) -> int:
        """How many workers live."""
        return sum(worker.alive for worker in self.workers)

    @property
    def stranded(self) -> bool:
        """Whether jobs wait and nobody is there to run them."""
        return self.count["queued"] > 0 and not any(w.alive and not w.quiet for w in self.workers)


@dataclass(frozen=True, slots=True)
class RedisState:
    """What the server says of itself; memory in bytes, uptime in seconds."""

    version: str
    pid: int
    memory: int
    peak: int
    uptime: int
    clients: int
    persistence: str
    appendfsync: str
    aof_size: int
    aof_pending: bool
    last_write: str
    commands_per_second: int


def take(store: Queue | None, backend: Backend) -> Snapshot:
    """Look. Raises redis.ConnectionError when Redis can't be reached."""
    if store is None:
        told = backend.count_by_state()
        count = {name: int(told.get(name, 0)) for name in STATES}
        enqueued = int(told.get("enqueued", sum(count.values())))
        return Snapshot({"enqueued": enqueued, **count}, 0, (), 0.0)
    seen = store.summary()
    count = {name: int(seen["count"].get(name, 0)) for name in ("enqueued", *STATES)}
    workers = sorted((_worker(told) for told in seen["workers"]), key=lambda w: (w.since, w.id))
    return Snapshot(count, int(seen["count"].get("late", 0)), tuple(workers), float(seen["at"]))


def redis_state(client: Decoded) -> RedisState:
    """What the Redis server says of itself."""
    info: dict[str, Any] = client.info()
    appendfsync = ""
    if info.get("aof_enabled"):
        appendfsync = client.config_get("appendfsync").get("appendfsync", "")
    saves = "" if info.get("aof_enabled") else client.config_get("save").get("save", "")
    persistence = "aof" if info.get("aof_enabled") else "rdb" if saves else "none"
    return RedisState(
        version=str(info.get("valkey_version") or info.get("redis_version", "?")),
        pid=int(info.get("process_id", 0)),
        memory=int(info.get("used_memory", 0)),
        peak=int(info.get("used_memory_peak", 0)),
        uptime=int(info.get("uptime_in_seconds", 0)),
        clients=int(info.get("connected_clients", 0)),
        persistence=persistence,
        appendfsync=appendfsync,
        aof_size=int(info.get("aof_current_size", 0)),
        aof_pending=bool(info.get("aof_rewrite_in_progress", 0)),
        last_write=str(info.get("aof_last_write_status", "")),
        commands_per_second=int(info.get("instantaneous_ops_per_sec", 0)),
    )


def _worker(told: dict[str, Any]) -> Worker:
    said = json.loads(told["said"] or "{}")
    pid, host = int(said.get("pid") or _pid_of(told["id"])), str(said.get("host", ""))
    here = processes.is_here(host)
    return Worker(
        id=told["id"],
        pid=pid,
        host=host,
        alive=bool(told["alive"]) and not (here and not processes.lives(pid)),
        here=here,
        quiet=bool(told.get("quiet")),
        running=int(told["running"]),
        left=max(0, int(told.get("left", 0))) / 1000,
        python=str(said.get("python", "")),
        celery=str(said.get("celery", "")),
        concurrency=int(said.get("concurrency", 0)),
        queues=tuple(said.get("queues", ())),
        since=float(said.get("since", 0)),
    )


def _pid_of(worker: str) -> int:
    """A dead worker's word is gone from Redis, but its name is host-pid-random.number."""
    parts = worker.rsplit("-", 2)
    return int(parts[1]) if len(parts) == 3 and parts[1].isdigit() else 0

"""Everything at one glance: counts, workers, Redis.

One consistent snapshot from one Lua script; what a worker's own process says comes on top. A
worker that was killed keeps its lease for a few seconds; on this machine its process is looked
for, so that the page says so within a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from demo_app.broker.connection import Decoded
from demo_app.broker.queue import Queue
from demo_app.broker.snapshot import Snapshot
from demo_app.jobs.backend import Backend
from demo_app.rig.process import is_alive


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
    if queue is None:
        return Snapshot.of_counts(backend.count_by_state())
    seen = queue.snapshot(most, whole, ids)
    seen.workers = [
        replace(one, alive=one.alive and not (one.here and not is_alive(one.pid)))
        for one in seen.workers
    ]
    return seen


def redis_state(client: Decoded) -> RedisState:
    """Return what the Redis server reports about itself."""
    info: dict[str, Any] = client.info()
    append_only = bool(info.get("aof_enabled"))
    setting = "appendfsync" if append_only else "save"
    value = client.config_get(setting).get(setting, "")
    if append_only:
        return RedisState(info, "aof", value)
    return RedisState(info, "rdb" if value else "none", "")

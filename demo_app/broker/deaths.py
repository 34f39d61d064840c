"""A worker's death that somebody saw: who killed it, or who had started it."""

from __future__ import annotations

import socket

from .connection import Decoded
from .queue import Queue


def note_killed(queue: Queue, pid: int, *, by: str, end_lease: bool = False) -> None:
    """Write into the journal that this machine's worker with that pid was killed.

    Its lease says so only when it has run out. end_lease: the next look rescues from it at once;
    only for who saw the process end, since one that lives would go on with its jobs. Raises
    redis.RedisError.
    """
    name = f"{socket.gethostname()}-{pid}-"
    client: Decoded = queue.client
    told = {"job": "", "event": "worker_killed", "by": by}
    for worker in client.smembers(queue.keys("workers")):
        if worker.startswith(name):
            client.xadd(queue.keys("journal"), {**told, "detail": worker})
            if end_lease:
                _end_lease(queue, worker)


def _end_lease(queue: Queue, worker: str) -> None:
    """As if the lease had run out, and a first look, long enough ago, had found so."""
    client: Decoded = queue.client
    lease = float(client.hget(queue.keys("leases"), worker) or 1000 * queue.options.lease_seconds)
    seconds, microseconds = client.time()
    first_look = seconds + microseconds / 1e6 - lease / 3000
    pipe = client.pipeline(transaction=True)
    pipe.delete(queue.keys("worker", worker))
    pipe.hset(queue.keys("suspects"), worker, f"{first_look:.6f}")
    pipe.execute()

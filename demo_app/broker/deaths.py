"""Reports of a worker's death by the process that killed it or had started it."""

from __future__ import annotations

import socket

from .connection import Decoded
from .queue import Queue


def note_killed(queue: Queue, pid: int, *, by: str, end_lease: bool = False) -> None:
    """Record in the journal that a worker of this machine was killed.

    Args:
        queue: the queue of the stack.
        pid: the process id of the worker on this machine.
        by: who reports it, for the journal.
        end_lease: end the worker's lease, so that the next look rescues its jobs, also a look of a
            worker that was cut off from Redis a moment ago. Only for a caller that saw the process
            exit: a living worker would go on with its jobs.

    Raises:
        redis.RedisError: Redis is away or refuses.
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
    """Shorten the worker's lease to nothing, so that no rescuer has to wait for a quiet period.

    The worker is recorded as a suspect too, so that the next look confirms its death.
    """
    seconds, microseconds = queue.client.time()
    pipe = queue.client.pipeline(transaction=True)
    pipe.delete(queue.keys("worker", worker))
    pipe.hset(queue.keys("leases"), worker, 0)
    pipe.hset(queue.keys("suspects"), worker, f"{seconds + microseconds / 1e6:.6f}")
    pipe.execute()

"""The journal entry of a worker's death, by the process that killed or started the worker."""

import socket

from .connection import Decoded
from .queue import Queue


def note_killed(queue: Queue, pid: int, *, by: str, end_lease: bool = False) -> None:
    """Record in the journal that a worker of this machine was killed.

    Args:
        by: the author of the report, for the journal.
        end_lease: also end the worker's lease, so that the next rescue gives back its jobs. Set
            this only if the process has certainly exited: a living worker would continue to run
            its jobs.

    Raises:
        redis.RedisError: Redis does not answer, or refuses.
    """
    name = f"{socket.gethostname()}-{pid}-"
    client: Decoded = queue.client
    for worker in client.smembers(queue.keys("workers")):
        if not worker.startswith(name):
            continue
        pipe = client.pipeline(transaction=True)
        event = {"job": "", "event": "worker_killed", "by": by, "detail": worker}
        pipe.xadd(queue.keys("journal"), event)
        if end_lease:
            seconds, microseconds = client.time()
            pipe.delete(queue.keys("worker", worker))
            pipe.hset(queue.keys("leases"), worker, 0)  # 0 ms, so that the rescue need not wait
            # a death needs two checks: record the first one, so that the next check confirms it
            pipe.hset(queue.keys("suspects"), worker, f"{seconds + microseconds / 1e6:.6f}")
        pipe.execute()

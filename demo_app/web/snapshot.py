"""A snapshot of jobs and workers, for any backend.

A killed worker keeps its lease for a few seconds. If the worker ran on this machine, its process is
checked too, so that the page shows the death within a second.
"""

from collections.abc import Sequence
from dataclasses import replace

from demo_app.broker.queue import Queue
from demo_app.broker.snapshot import Snapshot
from demo_app.jobs.backend import Backend
from demo_app.rig.process import is_alive


def take(
    queue: Queue | None,
    backend: Backend,
    limit: int = 0,
    with_history: int = 0,
    ids: Sequence[str] = (),
) -> Snapshot:
    """Return a snapshot of the queue.

    If `queue` is None, the snapshot has only the counts of the backend's jobs. A worker of this
    machine whose process has exited is not alive, even with a valid lease.

    Raises:
        redis.ConnectionError, redis.TimeoutError: Redis can't be reached.
    """
    if queue is None:
        return Snapshot.of_counts(backend.count_by_state())
    seen = queue.snapshot(limit, with_history, ids)
    seen.workers = [
        replace(one, alive=one.alive and not (one.here and not is_alive(one.pid)))
        for one in seen.workers
    ]
    return seen

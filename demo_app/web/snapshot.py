"""Everything at one glance: counts and workers, whatever backend runs the jobs.

A killed worker keeps its lease for a few seconds. On this machine its process is looked for too, so
that the page shows the death within a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from demo_app.broker.queue import Queue
from demo_app.broker.snapshot import Snapshot
from demo_app.jobs.backend import Backend
from demo_app.rig.process import is_alive


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

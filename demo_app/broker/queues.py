"""The queues there are: how long each is, and how long its next job has waited."""

from __future__ import annotations

import time
from dataclasses import dataclass

from demo_app.broker.connection import Decoded
from demo_app.broker.inspect import KEYS, get_jobs
from demo_app.broker.keys import lanes_of, queue_of


@dataclass(frozen=True, slots=True)
class QueueView:
    """One queue. size: the jobs that wait. latency: seconds for which the next of them has waited
    since it was enqueued, the longest over its lanes; 0 for an empty queue. paused: nobody takes
    from it."""

    name: str
    size: int
    latency: float
    paused: bool


def queues(client: Decoded) -> list[QueueView]:
    """Every queue that ever had a job, by name."""
    names = sorted({queue_of(lane) for lane in client.smembers("lanes")})
    pipe = client.pipeline(transaction=True)
    pipe.smembers("paused")
    for name in names:
        for lane in lanes_of(name):
            pipe.llen(KEYS.queue(lane))
            pipe.lindex(KEYS.queue(lane), -1)
    paused, *told = pipe.execute()
    now, views = time.time(), []
    for number, name in enumerate(names):
        mine = told[2 * len(lanes_of(name)) * number :][: 2 * len(lanes_of(name))]
        heads = get_jobs(client, [head for head in mine[1::2] if head])
        latency = max((now - job.enqueued_at for job in heads), default=0.0)
        views.append(QueueView(name, sum(mine[::2]), max(0.0, latency), f"queue:{name}" in paused))
    return views

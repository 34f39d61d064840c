"""What a million mails an hour need, computed from what one part of each kind does here."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from lab.language import say
from lab.progress import Progress
from lab.running import Lab
from lab.show import Table
from lab.speed import moved_by_redis


@dataclass(frozen=True, slots=True)
class Measured:
    """What one of each did in a second: comments answered by the web app, mails sent by a worker,
    jobs moved by Redis. job_bytes: how much of Redis' memory one waiting job takes."""

    comments: float
    mails: float
    moves: float
    job_bytes: float


def measure(lab: Lab, mails: int = 400) -> Measured:
    """Post comments without workers; start the workers, and measure their mails. The first quarter
    does not count: a worker that has just started is still opening connections."""
    lab.faults()
    lab.send_workers_home()
    before, began = len(lab.posted), time.perf_counter()
    with Progress(say("{n} comments to be posted", n=mails)):
        lab.post(mails, readers=4)
    took = time.perf_counter() - began
    new = {posted.job_id for posted in lab.posted[before:]}
    lab.until(lambda: lab.redis.llen("queue:mail") >= mails, "every job in the queue")
    held = sum(lab.redis.memory_usage(f"job:{job}", samples=0) for job in new)
    lab.start()
    lab.wait()
    done = sorted(job.done or time.time() for job in lab.seen().jobs if job.id in new)
    early = mails // 4
    sent = (mails - early) / (done[-1] - done[early - 1])
    return Measured(mails / took, sent, moved_by_redis(lab), held / mails)


def workers_for(mails_a_second: float, mails_per_hour: int, busy: float) -> int:
    """How many workers of that speed send so many mails, each busy for that share of its time."""
    return math.ceil(mails_per_hour / 3600 / (mails_a_second * busy))


def needs(measured: Measured, mails_per_hour: int, busy: float) -> Table:
    """One row per part: what one of it does, and how many are needed."""
    wanted = say("{n:,.0f} per second", n=mails_per_hour / 3600)
    rows = []
    for name, one in (
        ("web app: comments answered", measured.comments),
        ("worker: mails sent", measured.mails),
        ("Redis: jobs enqueued, claimed, acknowledged", measured.moves),
    ):
        rate, many = say("{n:,.0f} per second", n=one), workers_for(one, mails_per_hour, busy)
        rows.append((say(name), rate, wanted, str(many)))
    each = say("{n:,.0f} bytes per job", n=measured.job_bytes)
    room = f"{measured.job_bytes * mails_per_hour / 2**30:.1f} GiB"
    jobs = say("{n:,} jobs", n=mails_per_hour)
    rows.append((say("Redis: an hour without workers"), each, jobs, room))
    return Table(("part", "one of it, measured here", "needed", "how many"), rows)

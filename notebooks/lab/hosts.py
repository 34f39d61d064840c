"""A second host: workers that know the first one by its settings only."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lab.byhand import HandStarted

if TYPE_CHECKING:
    from lab.running import Lab

#: What a worker on another machine must be told; nothing else is shared.
SETTINGS = ("DEMO_REDIS_URL", "DEMO_SMTP_URL", "DEMO_DIR", "DEMO_QUEUES")


def what_a_worker_needs(lab: Lab) -> dict[str, str]:
    """The settings by which a worker elsewhere joins."""
    told = lab.stack.plan.environment()
    return {name: told[name] for name in SETTINGS if name in told}


def second_host(lab: Lab) -> HandStarted:
    """Start a worker as another machine would, under another host's name."""
    return lab.celery("--hostname", "worker1@second-host")


def mails_a_second(lab: Lab, mails: int = 120) -> float:
    """Post comments with the workers away, let them back, and measure from the first claim on."""
    before = len(lab.posted)
    lab.faults()
    lab.send_workers_home()
    lab.post(mails, readers=4)
    lab.start()
    lab.wait()
    new = {posted.job_id for posted in lab.posted[before:]}
    jobs = [job for job in lab.seen().jobs if job.id in new]
    first = min(job.runs[0].began for job in jobs)
    last = max(job.done or time.time() for job in jobs)
    return len(jobs) / (last - first)

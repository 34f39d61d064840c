"""Taskiq with Redis streams: its broker for jobs that must not be lost.

The page of taskiq-redis, "Brokers": only the stream broker acknowledges, which is for "cases when
data durability is required".
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

from taskiq import Context, TaskiqDepends, TaskiqEvents
from taskiq_redis import RedisStreamBroker

from demo_app.judge.role import Role, run_job

ROLE = Role.mine()
broker = RedisStreamBroker(
    ROLE.url,
    xread_count=1,  # the broker's own description: messages that are fetched at once
    unacknowledged_lock_timeout=10.0,  # the same: for a worker that is killed while it has the lock
    # idle_timeout stays at 10 minutes: what is not acknowledged for longer runs again
)


@broker.task(task_name="judged.work")
def work(job: str, context: Annotated[Context, TaskiqDepends()]) -> None:
    """The task; Taskiq runs it in a thread."""
    run_job(ROLE, job, context.message.task_id)


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
def say_ready(_: Any) -> None:
    """The worker takes jobs."""
    ROLE.log("works")


async def producer() -> Any:
    await broker.startup()
    return work.kiq


def worker() -> None:
    # the page "CLI", "Acknowledgements": when_saved, the default, is the latest of the three
    options = ["--workers", "1", "--max-async-tasks", "1", "--ack-type", "when_saved"]
    target = f"{__name__}:broker"
    os.execv(sys.executable, [sys.executable, "-m", "taskiq", "worker", target, *options])

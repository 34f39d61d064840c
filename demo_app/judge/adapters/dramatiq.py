"""Dramatiq on Redis: a worker with one thread, its default middleware, and retries.

Its user guide, "Message Retries": what raises is tried again, and then dead-lettered.
"""

from __future__ import annotations

import signal
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import CurrentMessage

from demo_app.judge.role import Role, run_job

ROLE = Role.mine()
broker = RedisBroker(url=ROLE.url)
broker.add_middleware(CurrentMessage())
dramatiq.set_broker(broker)


@dramatiq.actor
def work(job: str) -> None:
    """The task."""
    message = CurrentMessage.get_current_message()
    run_job(ROLE, job, message.message_id if message else "")


def producer() -> Any:
    return work.send


def worker() -> None:
    dramatiq.Worker(broker, worker_threads=1).start()
    ROLE.log("works")
    signal.pause()  # its threads work

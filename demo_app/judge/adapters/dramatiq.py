"""Dramatiq on Redis: a worker with one thread, its default middleware, and retries.

Its user guide, "Message Retries": what raises is tried again, and then dead-lettered.
"""

from __future__ import annotations

import time

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import CurrentMessage

from demo_app.judge.role import Role, produce, run_job

ROLE = Role.mine()
broker = RedisBroker(url=ROLE.url)  # type: ignore[no-untyped-call]
broker.add_middleware(CurrentMessage())
dramatiq.set_broker(broker)


@dramatiq.actor
def work(job: str) -> None:
    """The task."""
    message = CurrentMessage.get_current_message()
    run_job(ROLE, job, message.message_id if message else "")


def main() -> None:
    """Be the producer or a worker."""
    if ROLE.jobs:
        produce(ROLE, work.send)
        return
    worker = dramatiq.Worker(broker, worker_threads=1)
    worker.start()
    ROLE.log("works")
    while True:
        time.sleep(1.0)  # its threads work

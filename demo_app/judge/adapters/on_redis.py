"""Libraries that store their jobs in Redis. Each is imported only where it is used."""

from __future__ import annotations

import signal
from typing import Any

from demo_app.judge.role import Role, run_job


def rq(role: Role) -> Any:
    """Play the role with RQ: a process for each job, registries, and retries."""
    from redis import Redis
    from rq import Queue, Retry, Worker

    queue = Queue("judged", connection=Redis.from_url(role.url))
    if role.jobs:  # https://python-rq.org/docs/exceptions/
        return lambda job: queue.enqueue(rq_task, job, retry=Retry(max=3))
    role.log("works")
    Worker([queue], connection=queue.connection, name=role.who).work(with_scheduler=True)


def rq_task(job: str) -> None:
    """Run a job; RQ's worker finds this task by its name."""
    from rq import get_current_job

    current = get_current_job()
    run_job(Role.mine(), job, current.id if current else "")


def huey(role: Role) -> Any:
    """Play the role with Huey and a consumer of one worker.

    See "Retrying tasks that fail" in its guide. A task leaves the queue before it runs.
    """
    from huey import RedisHuey

    app = RedisHuey("judged", url=role.url, results=False)

    @app.task(retries=3, context=True)
    def work(job: str, task: Any = None) -> None:
        run_job(role, job, task.id)

    if role.jobs:
        return work
    role.log("works")
    app.create_consumer(workers=1, worker_type="thread").run()


def dramatiq(role: Role) -> Any:
    """Play the role with Dramatiq: one thread, the default middleware, and retries.

    See "Message Retries" in its guide: a failed task is retried, and then dead-lettered.
    """
    from dramatiq import Worker, actor
    from dramatiq.brokers.redis import RedisBroker
    from dramatiq.middleware import CurrentMessage

    broker = RedisBroker(url=role.url)
    broker.add_middleware(CurrentMessage())

    @actor(broker=broker)
    def work(job: str) -> None:
        message = CurrentMessage.get_current_message()
        run_job(role, job, message.message_id if message else "")

    if role.jobs:
        return work.send
    Worker(broker, worker_threads=1).start()
    role.log("works")
    signal.pause()  # the worker's threads run the jobs

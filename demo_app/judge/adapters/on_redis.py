"""The adapters for libraries that store their jobs in Redis.

Each adapter imports its own library, since the other libraries may not be installed. For a producer
it returns the function that enqueues a job; for a worker it runs the library's worker.
"""

import signal
from typing import Any

from demo_app.judge.role import Role, run_job


def rq(role: Role) -> Any:
    """Run the role with RQ: a process for each job, and three retries."""
    from redis import Redis
    from rq import Queue, Retry, Worker

    queue = Queue("judged", connection=Redis.from_url(role.url))
    if role.jobs:  # retries as in https://python-rq.org/docs/exceptions/
        return lambda job: queue.enqueue(rq_task, job, retry=Retry(max=3))
    role.log("works")
    Worker([queue], connection=queue.connection, name=role.who).work(with_scheduler=True)


def rq_task(job: str) -> None:
    """Run a job; RQ's worker imports this function by its name."""
    from rq import get_current_job

    current = get_current_job()
    run_job(Role.mine(), job, current.id if current else "")


def huey(role: Role) -> Any:
    """Run the role with Huey: one worker thread, and three retries.

    See "Retrying tasks that fail" in Huey's guide. Huey removes a task from the queue before it
    runs the task.
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
    """Run the role with Dramatiq: one worker thread, and the default middleware.

    This middleware retries a failed task, and finally dead-letters it: see "Message Retries" in
    Dramatiq's guide.
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

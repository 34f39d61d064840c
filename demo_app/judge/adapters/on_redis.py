"""Libraries that keep their jobs in Redis. Each is imported only where it is played."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from demo_app.judge.role import Role, run_job


def rq(role: Role) -> Any:
    """RQ: its worker with a process for each job, its registries, and failed jobs tried again."""
    from redis import Redis
    from rq import Queue, Retry, Worker

    queue = Queue("judged", connection=Redis.from_url(role.url))
    if role.jobs:  # https://python-rq.org/docs/exceptions/
        return lambda job: queue.enqueue(rq_task, job, retry=Retry(max=3))
    role.log("works")
    Worker([queue], connection=queue.connection, name=role.who).work(with_scheduler=True)


def rq_task(job: str) -> None:
    """RQ's worker finds a task by its name."""
    from rq import get_current_job

    current = get_current_job()
    run_job(Role.mine(), job, current.id if current else "")


def huey(role: Role) -> Any:
    """Huey, with a consumer of one worker.

    Its guide, "Retrying tasks that fail"; a task is off the queue before it runs.
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
    """Dramatiq: a worker with one thread, its default middleware, and retries.

    Its user guide, "Message Retries": what raises is tried again, and then dead-lettered.
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
    signal.pause()  # its threads work


def arq(role: Role) -> Any:
    """arq: a worker that runs one job at a time, and else its default settings.

    Its documentation, "Simple Usage": with them a job stays in the queue until it has succeeded or
    failed.
    """
    from arq import create_pool
    from arq.connections import RedisSettings
    from arq.worker import Worker, func

    settings = RedisSettings(unix_socket_path=role.address)

    async def producer() -> Any:
        pool = await create_pool(settings)
        return lambda job: pool.enqueue_job("work", job)

    async def work(context: dict[str, Any], job: str) -> None:
        """In a thread, so that the worker goes on meanwhile."""
        await asyncio.to_thread(run_job, role, job, context["job_id"])

    async def say_ready(_: dict[str, Any]) -> None:
        role.log("works")

    if role.jobs:
        return producer()
    # job_timeout (300 s): a killed worker's job is tried again 10 s after it; max_tries: 5
    task = func(work, name="work")
    Worker([task], redis_settings=settings, on_startup=say_ready, max_jobs=1).run()


async def saq(role: Role) -> Any:
    """SAQ: a worker that runs one job at a time, and jobs that are tried again.

    Its documentation, "Job": by default a job is tried once, and stuck ones are swept up each
    minute.
    """
    from redis.asyncio import Redis
    from saq import Worker
    from saq.queue.redis import RedisQueue

    queue = RedisQueue(Redis.from_url(role.url), name="judged")

    async def work(context: dict[str, Any], *, text: str) -> None:
        """In a thread, so that the worker goes on meanwhile."""
        await asyncio.to_thread(run_job, role, text, context["job"].id)

    async def say_ready(_: Any) -> None:
        role.log("works")

    if role.jobs:
        await queue.connect()
        return lambda job: queue.enqueue("work", text=job, retries=3)
    await Worker(queue, [("work", work)], concurrency=1, startup=say_ready).start()


def streaq(role: Role) -> Any:
    """streaQ on streams: a worker that runs one job at a time, and else its default settings.

    Its documentation, "Worker": what a worker does not renew for a minute runs again on another
    one.
    """
    from streaq import Worker

    @asynccontextmanager
    async def say_ready() -> AsyncIterator[None]:
        role.log("works")
        yield

    app = Worker(redis_url=role.url, concurrency=1, lifespan=say_ready)

    @app.task(name="judged.work")
    def work(job: str) -> None:
        """In a thread of streaQ's."""
        run_job(role, job, work.context.task_id)

    async def put(job: str) -> None:
        async with app:
            await work.enqueue(job)

    if role.jobs:
        return put
    app.run_sync()


async def taskiq(role: Role) -> Any:
    """Taskiq, with its command for workers.

    Its page "CLI", "Acknowledgements": when_saved, the default, is the latest of the three.
    """
    if role.jobs:
        broker = taskiq_broker()
        await broker.startup()
        return broker.find_task("judged.work").kiq
    options = ["--workers", "1", "--max-async-tasks", "1", "--ack-type", "when_saved"]
    command = [sys.executable, "-m", "taskiq", "worker", f"{__name__}:taskiq_broker", *options]
    os.execv(sys.executable, command)


def taskiq_broker() -> Any:
    """Redis streams: Taskiq's broker for jobs that must not be lost.

    The page of taskiq-redis, "Brokers": only the stream broker acknowledges, which is for "cases
    when data durability is required".
    """
    import taskiq
    from taskiq_redis import RedisStreamBroker

    role = Role.mine()
    broker = RedisStreamBroker(
        role.url,
        xread_count=1,  # the broker's own description: messages that are fetched at once
        unacknowledged_lock_timeout=10.0,  # the same: for a worker that dies while it has the lock
        # idle_timeout stays at 10 minutes: what is not acknowledged for longer runs again
    )

    def work(job: str, context: Any) -> None:
        """In a thread of Taskiq's."""
        run_job(role, job, context.message.task_id)

    work.__annotations__["context"] = Annotated[taskiq.Context, taskiq.TaskiqDepends()]
    broker.register_task(work, "judged.work")
    broker.add_event_handler(taskiq.TaskiqEvents.WORKER_STARTUP, lambda _: role.log("works"))
    return broker

"""Jobs in Redis, run by Celery workers: the main backend.

Only the message goes to Redis here; no Celery is needed to put a job in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

import redis

from demo_app.backends.celery_command import program, worker_command
from demo_app.backends.celery_jobs import Waiting, result_of
from demo_app.broker.connection import Decoded, connect
from demo_app.broker.inspect import get_job
from demo_app.broker.message import Message
from demo_app.broker.options import Options
from demo_app.broker.queue import Queue
from demo_app.jobs.backend import Backend
from demo_app.jobs.capabilities import Capabilities, Death, Priority
from demo_app.jobs.job import Job
from demo_app.jobs.result import TaskResult
from demo_app.settings import Settings, Transport, settings


class CeleryBackend(Backend):
    """See the module."""

    name = "celery"
    capabilities = Capabilities(
        priority=Priority.CLASSES,
        run_after=True,
        results=True,
        once=True,
        fifo=True,
        concurrent=True,
        in_redis=True,
        survives=frozenset(Death),
    )

    def __init__(self, store: Queue) -> None:
        self._store = store
        self._waiting: Waiting | None = None

    def _enqueue(self, jobs: list[Job]) -> None:
        """Put the jobs into their queues in Redis, in one atomic round trip."""
        self._store.enqueue_many([(message_of(job), job.due) for job in jobs], by=program())

    def find(self, job_id: str) -> TaskResult | None:
        """What Redis knows of the job."""
        view = get_job(self._store.client, job_id)
        return None if view is None else result_of(view, self)

    def states(self, job_ids: Sequence[str]) -> dict[str, str]:
        """The state of each job that Redis knows."""
        return self._store.states(job_ids)

    def keep(self, job_ids: Sequence[str], *, wanted: bool = True) -> None:
        """Let the history forget none of these; or (wanted: False) as usual."""
        self._store.keep(job_ids, wanted=wanted)

    def kept(self) -> list[str]:
        """The ids that the history is not to forget."""
        client: Decoded = self._store.client
        return list(client.smembers("kept"))

    def count_by_state(self) -> dict[str, int]:
        """How many jobs are in each state, and ever put in, in one consistent snapshot."""
        return dict(self._store.snapshot().count)

    def pending(self) -> Iterator[Job]:
        """Every job that waits, each claimed while it is on its way elsewhere."""
        self._waiting = Waiting(self._store, settings())
        for message, due in self._waiting:
            yield replace(job_of(message), run_after=due)

    def delete(self, job: Job) -> None:
        """The job is safe elsewhere."""
        if self._waiting is not None:
            self._waiting.forget(job.id)

    def worker_command(self) -> list[str]:
        """A Celery worker."""
        return worker_command()

    def worker_ready(self, pid: int) -> bool:
        """Whether the worker process with this pid has registered in Redis."""
        client: Decoded = self._store.client
        try:
            records = [client.get(f"worker:{worker}") for worker in client.smembers("workers")]
        except redis.RedisError:
            return False
        return any(json.loads(record).get("pid") == pid for record in records if record)

    def close(self) -> None:
        """Close the connections."""
        self._store.client.close()


def message_of(job: Job) -> Message:
    """The job as a message for the queue."""
    return Message(
        job.id,
        job.task,
        job.arguments,
        job.queue_name,
        job.priority,
        job.attempts,
        job.enqueued_at,
        job.owner,
    )


def job_of(message: Message) -> Job:
    """The job in a message from the queue."""
    return Job(
        task=message.task,
        arguments=message.arguments,
        queue_name=message.queue,
        priority=message.priority,
        attempts=message.retries,
        id=message.id,
        enqueued_at=message.enqueued_at,
        owner=message.owner,
    )


def options_of(chosen: Settings) -> Options:
    """The broker's options, as the settings have them."""
    return Options(
        lease_seconds=chosen.lease_seconds,
        heartbeat_seconds=chosen.beat_seconds,
        max_rescues=chosen.max_rescues,
        poison_pause=chosen.poison_pause,
        history_length=chosen.history_length,
        journal_length=chosen.journal_length,
    )


def make(settings: Settings) -> Backend:
    """The backend for these settings; with the stock transport, Celery's own producer."""
    if settings.transport is Transport.STOCK:
        from demo_app.backends.stock import StockBackend

        return StockBackend(settings)
    return CeleryBackend(Queue(connect(settings.redis_url), options_of(settings)))

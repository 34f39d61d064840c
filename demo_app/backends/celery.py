"""The default backend: jobs in Redis, run by Celery workers.

A producer only writes the message to Redis, and does not import Celery.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import redis

from demo_app.backends.celery_command import program, worker_command
from demo_app.broker.connection import Decoded, connect
from demo_app.broker.events import Event
from demo_app.broker.inspect import get_job
from demo_app.broker.message import Message
from demo_app.broker.options import Options
from demo_app.broker.queue import Queue
from demo_app.broker.view import JobView
from demo_app.jobs.backend import Backend
from demo_app.jobs.capabilities import QUEUE, Death, Priority
from demo_app.jobs.job import Job
from demo_app.jobs.result import GIVEN_UP, TaskError, TaskResult
from demo_app.settings import Settings, Transport


class CeleryBackend(Backend):
    """The backend for the transport `claims`: jobs in Redis, run by Celery workers."""

    name = "celery"
    capabilities = replace(
        QUEUE, priority=Priority.CLASSES, in_redis=True, survives=frozenset(Death)
    )

    def __init__(self, store: Queue) -> None:
        self._store = store

    def _enqueue(self, jobs: list[Job]) -> None:
        self._store.enqueue_many([(message_of(job), job.due) for job in jobs], by=program())

    def find(self, job_id: str) -> TaskResult | None:
        view = get_job(self._store, job_id)
        return None if view is None else result_of(view)

    def states(self, job_ids: Sequence[str]) -> dict[str, str]:
        return self._store.states(job_ids)

    def keep(self, job_ids: Sequence[str], *, kept: bool = True) -> None:
        self._store.keep(job_ids, kept=kept)

    def kept(self) -> list[str]:
        client: Decoded = self._store.client
        return list(client.smembers("kept"))

    def count_by_state(self) -> dict[str, int]:
        """Return the number of jobs by state, read in one atomic step.

        "enqueued", "done", "discarded" and "late" (acknowledgements after a rescue) are totals
        since the start of the queue.
        """
        return self._store.snapshot().count

    def worker_command(self) -> list[str]:
        return worker_command()

    def worker_ready(self, pid: int) -> bool:
        with suppress(redis.RedisError):
            return any(one.alive and one.pid == pid for one in self._store.snapshot().workers)
        return False

    def close(self) -> None:
        self._store.client.close()


def message_of(job: Job) -> Message:
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
    return Job(
        task=message.task,
        arguments=message.arguments or {},
        queue_name=message.queue,
        priority=message.priority,
        attempts=message.retries,
        id=message.id,
        enqueued_at=message.enqueued_at,
        owner=message.owner,
    )


def result_of(view: JobView) -> TaskResult:
    tries = [event for event in view.timeline if event.event in ("retrying", "dead")]
    began = [event.at for event in view.timeline if event.event == "claimed"]
    ended = [event for event in view.timeline if event.event in ("done", "dead", "discarded")]
    last = ended[-1] if ended and view.state in ("done", "dead", "discarded") else None
    return TaskResult(
        view.id,
        view.task,
        view.arguments,
        CeleryBackend.name,
        attempts=view.attempts,
        errors=[_error(view, event) for event in tries],
        enqueued_at=datetime.fromtimestamp(view.enqueued, UTC),
        started_at=datetime.fromtimestamp(began[-1], UTC) if began else None,
        finished_at=datetime.fromtimestamp(last.at, UTC) if last else None,
        state=view.state,
        reason=str(last.notes.get("reason", last.notes.get("text", ""))) if last else "",
        _return_value=view.return_value,
    )


def _error(view: JobView, event: Event) -> TaskError:
    if event.error_class:
        return TaskError(event.error_class, event.traceback)
    return TaskError(GIVEN_UP, f"{view.task}: {event.traceback}")


def options_of(chosen: Settings) -> Options:
    return Options(
        lease_seconds=chosen.lease_seconds,
        heartbeat_seconds=chosen.beat_seconds,
        max_rescues=chosen.max_rescues,
        poison_pause=chosen.poison_pause,
        history_length=chosen.history_length,
        history_bytes=chosen.history_bytes,
        journal_length=chosen.journal_length,
    )


def make(settings: Settings) -> Backend:
    if settings.transport is Transport.STOCK:
        from demo_app.backends.stock import StockBackend

        return StockBackend(settings)
    return CeleryBackend(Queue(connect(settings.redis_url), options_of(settings)))

"""Jobs in Redis, run by Celery workers: the main backend.

Only the message goes to Redis here; no Celery is needed to put a job in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from redis import RedisError

from demo_app.backends.celery_command import worker_command
from demo_app.backends.celery_waiting import Waiting
from demo_app.broker.connection import connect
from demo_app.broker.events import Event, JobView
from demo_app.broker.inspect import get_job
from demo_app.broker.message import Message
from demo_app.broker.options import Options
from demo_app.broker.queue import Queue
from demo_app.jobs.backend import Backend
from demo_app.jobs.capabilities import Capabilities, Death, Priority
from demo_app.jobs.job import Job
from demo_app.jobs.result import GIVEN_UP, STATUS_OF_STATE, TaskError, TaskResult
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
        survives=frozenset(Death),
    )

    def __init__(self, store: Queue) -> None:
        self._store = store
        self._waiting: Waiting | None = None

    def _enqueue(self, jobs: list[Job]) -> None:
        """Put the jobs into their queues in Redis, in one atomic round trip."""
        self._store.enqueue_many([(message_of(job), job.due) for job in jobs], by="web")

    def find(self, job_id: str) -> TaskResult | None:
        """What Redis knows of the job."""
        view = get_job(self._store.client, job_id)
        return None if view is None else _result(view, self)

    def states(self, job_ids: Sequence[str]) -> dict[str, str]:
        """The state of each job that Redis knows; what an evicted list has lost goes back into its
        queue."""
        told = self._store.states(job_ids, by="web")
        return {job_id: state for job_id, state in zip(job_ids, told, strict=True) if state}

    def count_by_state(self) -> dict[str, int]:
        """How many jobs are in each state, and ever put in, in one consistent snapshot."""
        return dict(self._store.summary()["count"])

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
        client = self._store.client
        try:
            said = [client.get(f"worker:{worker!s}") for worker in client.smembers("workers")]
        except RedisError:
            return False
        return any(json.loads(line).get("pid") == pid for line in said if line)

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
    )


def job_of(message: Message) -> Job:
    """The job that a message from the queue stands for."""
    return Job(
        task=message.task,
        arguments=message.arguments,
        queue_name=message.queue,
        priority=message.priority,
        attempts=message.retries,
        id=message.id,
        enqueued_at=message.enqueued_at,
    )


def _result(view: JobView, backend: Backend) -> TaskResult:
    tries = [event for event in view.timeline if event.event in ("retrying", "dead")]
    began = [event.at for event in view.timeline if event.event == "claimed"]
    ended = [event for event in view.timeline if event.event in ("done", "dead", "discarded")]
    last = ended[-1] if ended and view.state in STATUS_OF_STATE else None
    return TaskResult(
        view.id,
        view.task,
        view.arguments,
        backend.name,
        attempts=view.attempts,
        errors=[_error(view, event) for event in tries],
        enqueued_at=_moment(view.enqueued_at),
        started_at=_moment(began[-1]) if began else None,
        finished_at=_moment(last.at) if last else None,
        state=view.state,
        reason=str(last.notes.get("reason", last.notes.get("text", ""))) if last else "",
        _return_value=view.return_value,
        _find=backend.find,
    )


def _error(view: JobView, event: Event) -> TaskError:
    if event.error_class:
        return TaskError(event.error_class, event.traceback)
    return TaskError(GIVEN_UP, f"{view.task}: {event.traceback}")


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def make(settings: Settings) -> Backend:
    """The backend for these settings; with the stock transport, Celery's own producer."""
    if settings.transport is Transport.STOCK:
        from demo_app.backends.stock import StockBackend

        return StockBackend(settings)
    store = Queue(
        connect(settings.redis_url),
        Options(
            journal_length=settings.journal_length,
            history_length=settings.history_length,
            poison_pause=settings.poison_pause,
        ),
    )
    return CeleryBackend(store)

"""Jobs in Redis, run by Celery workers: the main backend.

Only the message goes to Redis here; no Celery is needed to put a job in.
"""

from __future__ import annotations

from datetime import UTC, datetime

from demo_app.jobs.backends.base import Backend
from demo_app.jobs.job import Job
from demo_app.jobs.result import TaskError, TaskResult, TaskResultStatus
from demo_app.queue.connection import connect
from demo_app.queue.look import JobView, look_up
from demo_app.queue.message import Message
from demo_app.queue.store import Store
from demo_app.settings import Settings, Transport
from demo_app.steps import Step, passed

_STATUS = {
    "running": TaskResultStatus.RUNNING,
    "done": TaskResultStatus.SUCCESSFUL,
    "dead": TaskResultStatus.FAILED,
    "discarded": TaskResultStatus.FAILED,
}


class CeleryBackend:
    """See the module."""

    name = "celery"
    in_request = False

    def __init__(self, store: Store) -> None:
        self._store = store

    def enqueue(self, job: Job) -> TaskResult:
        """Put the job into its queue in Redis; one atomic round trip."""
        self._store.enqueue(message_of(job), by="web", due=job.due)
        passed(Step.ENQUEUED)
        return self._handle(job)

    def enqueue_many(self, jobs: list[Job]) -> list[TaskResult]:
        """Put the jobs in, in their order, in one atomic round trip."""
        self._store.enqueue_many([(message_of(job), job.due) for job in jobs], by="web")
        passed(Step.ENQUEUED)
        return [self._handle(job) for job in jobs]

    def find(self, job_id: str) -> TaskResult | None:
        """What Redis knows of the job."""
        view = look_up(self._store.client, job_id)
        return None if view is None else _result(view, self.name).with_finder(self.find)

    def count_by_state(self) -> dict[str, int]:
        """How many jobs are in each state, and ever put in, in one consistent snapshot."""
        return dict(self._store.summary()["count"])

    def close(self) -> None:
        """Close the connections."""
        self._store.client.close()

    def _handle(self, job: Job) -> TaskResult:
        moment = datetime.fromtimestamp(job.enqueued_at, UTC)
        result = TaskResult(job.id, job.task, job.arguments, self.name, enqueued_at=moment)
        return result.with_finder(self.find)


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


def _result(view: JobView, backend: str) -> TaskResult:
    tries = [event for event in view.timeline if event.event in ("retrying", "dead")]
    return TaskResult(
        view.id,
        view.task,
        view.arguments,
        backend,
        status=_STATUS.get(view.state, TaskResultStatus.READY),
        attempts=view.attempts,
        errors=[TaskError(event.error_class, event.traceback) for event in tries],
        enqueued_at=datetime.fromtimestamp(view.enqueued_at, UTC),
        state=view.state,
        _return_value=view.return_value,
    )


def make(settings: Settings) -> Backend:
    """The backend for these settings; with the stock transport, Celery's own producer."""
    if settings.transport is Transport.STOCK:
        from demo_app.jobs.backends.stock import StockBackend

        return StockBackend(settings)
    store = Store(
        connect(settings.redis_url),
        journal_length=settings.journal_length,
        history_length=settings.history_length,
    )
    return CeleryBackend(store)

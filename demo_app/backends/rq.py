"""Jobs on RQ, a small queue on Redis, like Resque in Ruby.

A queue consists of three RQ queues, one for each class of priority: ``mail:high``, ``mail`` and
``mail:low``. RQ handles retries and delays, in whole seconds. The job layer runs the jobs and
records failures.
"""

import sys
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from math import ceil

import psutil
import redis
from rq import Queue, Worker
from rq.exceptions import DuplicateJobError, NoSuchJobError
from rq.job import Job as RqJob
from rq.job import JobStatus, Retry

from demo_app.broker.connection import client_url
from demo_app.broker.keys import class_list_of, lists_of
from demo_app.jobs.backend import Backend
from demo_app.jobs.capabilities import QUEUE, Death, Priority
from demo_app.jobs.job import Job
from demo_app.jobs.result import GIVEN_UP, STATUS_OF_STATE, TaskError, TaskResult
from demo_app.settings import Settings

RUN = "demo_app.backends.rq_worker.run"
_STATES = {
    JobStatus.SCHEDULED: "scheduled",
    JobStatus.STARTED: "running",
    JobStatus.FINISHED: "done",
    JobStatus.FAILED: "dead",
}


class RqBackend(Backend):
    """A backend whose jobs are run by RQ.

    If a worker is killed in the middle of a job, RQ's registry of started jobs enqueues the job
    again. If a worker is killed while it dequeues a job, the job is lost. RQ removes the job from
    the queue with BLPOP, and later the job's own process stores the status "started". The registry
    requeues only jobs with this status. A lost job's key remains, with the status "queued".
    """

    name = "rq"
    capabilities = replace(
        QUEUE,
        priority=Priority.CLASSES,
        in_redis=True,
        survives=frozenset({Death.ENQUEUER, Death.WORKER}),
    )

    def __init__(self, chosen: Settings) -> None:
        self._settings = chosen

    @cached_property
    def connection(self) -> redis.Redis:
        """The connection to Redis. Its replies are bytes, as RQ expects."""
        url = client_url(self._settings.redis_url)
        return redis.Redis.from_url(url, socket_timeout=5.0, socket_connect_timeout=5.0)

    @cached_property
    def queues(self) -> dict[str, Queue]:
        names = lists_of(*self._settings.queues)
        return {name: Queue(name, self.connection, serializer="json") for name in names}

    def _enqueue(self, jobs: list[Job]) -> None:
        for job in jobs:
            queue = self.queues[class_list_of(job.queue_name, job.priority)]
            made = queue.create_job(
                RUN,
                kwargs={"record": job.as_record()},
                job_id=job.id,
                description=job.task,
                timeout=ceil(self._settings.job_seconds),
                result_ttl=24 * 3600,
                meta={"attempts": job.attempts, "errors": [], "reason": ""},
                retry=Retry(self._settings.max_rescues),  # for jobs of dead workers
            )
            with suppress(DuplicateJobError):
                if job.due is None:
                    queue.enqueue_job(made, unique=True)
                else:  # round up: RQ cuts fractions of seconds, and a job must not run too early
                    due = datetime.fromtimestamp(ceil(job.due), UTC)
                    queue.schedule_job(made, due, unique=True)

    def find(self, job_id: str) -> TaskResult | None:
        """Return the job's result, or None. RQ deletes a done or discarded job after a day."""
        try:
            found = RqJob.fetch(job_id, self.connection, serializer="json")
        except NoSuchJobError:
            return None
        job, meta = Job.from_record(found.kwargs["record"]), found.meta
        result = self.handle(job)
        result.state = state = _state(found)
        result.attempts = meta["attempts"] + (state in STATUS_OF_STATE)
        result.errors = [TaskError(**error) for error in meta["errors"]]
        result.reason = meta["reason"]
        result.started_at, result.finished_at = found.started_at, found.ended_at
        if state == "done":
            result._return_value = found.return_value()
        if state == "dead" and len(result.errors) < result.attempts:  # RQ gave up the job
            last = found.latest_result()
            error = (last and last.exc_string) or "the worker died"
            result.errors.append(TaskError(GIVEN_UP, error))
        return result

    def count_by_state(self) -> dict[str, int]:
        """Return the number of jobs by state.

        Retrying jobs count as scheduled, and discarded jobs as done.
        """
        count = dict.fromkeys(("queued", "scheduled", "running", "dead", "done"), 0)
        for queue in self.queues.values():
            count["queued"] += queue.count
            for status, state in _STATES.items():
                registry = getattr(queue, f"{status.value}_job_registry")
                count[state] += registry.get_job_count(cleanup=False)
        return count

    def worker_command(self) -> list[str]:
        return [sys.executable, "-m", "demo_app.backends.rq_worker"]

    def worker_ready(self, pid: int) -> bool:
        with suppress(redis.RedisError, psutil.NoSuchProcess):
            children = {child.pid for child in psutil.Process(pid).children()}
            return any(one.pid in children for one in Worker.all(connection=self.connection))
        return False

    def close(self) -> None:
        self.connection.close()


def _state(found: RqJob) -> str:
    state = _STATES.get(found.get_status(refresh=False), "queued")
    if state == "done" and found.meta.get("reason"):
        return "discarded"
    return "retrying" if state == "scheduled" and found.meta.get("errors") else state


def make(settings: Settings) -> RqBackend:
    return RqBackend(settings)

"""Stock Celery on Redis, for comparison, with Celery's own producer, transport and worker.

The worker has the settings that Celery's manual describes for jobs that must run again after their
worker was killed: late acknowledgement, `task_reject_on_worker_lost`, and a prefetch of one.
"""

import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from celery import Celery
from celery.signals import worker_ready
from kombu import Queue
from redis import RedisError

from demo_app.backends.celery_command import celery_settings, worker_command
from demo_app.broker.connection import Decoded, connect
from demo_app.jobs.backend import Backend
from demo_app.jobs.capabilities import Capabilities
from demo_app.jobs.job import Job
from demo_app.jobs.outcome import Failed, JobDead, Retry
from demo_app.jobs.perform import perform
from demo_app.jobs.task import all_tasks, load_tasks
from demo_app.settings import Settings


def stock_app(chosen: Settings) -> Celery:
    made = Celery("demo_app_stock", set_as_current=False)
    made.conf.update(
        celery_settings(chosen),
        broker_url=chosen.redis_url.replace("unix://", "redis+socket://", 1),
        broker_transport_options={"visibility_timeout": chosen.visibility_seconds},
        task_queues=[Queue(name) for name in chosen.queues],
        task_reject_on_worker_lost=True,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
    )
    return made


class StockBackend(Backend):
    """A backend that publishes jobs with Celery's own producer."""

    name = "celery"
    capabilities = Capabilities(run_after=True, in_redis=True)

    def __init__(self, chosen: Settings) -> None:
        self._settings, self._app = chosen, stock_app(chosen)

    def _enqueue(self, jobs: list[Job]) -> None:
        for job in jobs:
            self._app.send_task(
                job.task,
                kwargs=job.arguments,
                task_id=job.id,
                queue=job.queue_name,
                eta=job.run_after,
                headers={"enqueued_at": job.enqueued_at},
            )

    def count_by_state(self) -> dict[str, Any]:
        with connect(self._settings.redis_url, timeout=2.0) as client:
            has = held_by_kombu(client, self._settings.queues)
        return {"queued": len(has.waiting), "running": len(has.taken)}

    def worker_command(self) -> list[str]:
        return worker_command()

    def worker_ready(self, pid: int) -> bool:
        with suppress(RedisError), connect(self._settings.redis_url, timeout=2.0) as client:
            return bool(client.exists(f"stock-worker:{pid}"))
        return False

    def close(self) -> None:
        self._app.close()


class KombuJobs(NamedTuple):
    """The jobs in kombu's keys.

    Attributes:
        waiting: ids in the lists of the queues.
        taken: the delivery time of each unacknowledged job (seconds since the epoch), by id. Jobs
            of dead workers are included until the visibility timeout.
    """

    waiting: list[str]
    taken: dict[str, float]


def held_by_kombu(client: Decoded, queues: Sequence[str] = ("mail",)) -> KombuJobs:
    """Read the lists of the queues, `unacked` and `unacked_index` in one transaction.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    pipe = client.pipeline(transaction=True)
    for queue in queues:
        pipe.lrange(queue, 0, -1)
    pipe.hgetall("unacked")
    pipe.zrange("unacked_index", 0, -1, withscores=True)
    *lists, unacked, index = pipe.execute()
    moments = dict(index)
    waiting = [_id(message) for messages in lists for message in messages]
    return KombuJobs(waiting, {_id(one): moments.get(tag, 0.0) for tag, one in unacked.items()})


def _id(text: str) -> str:
    """Return the id of a message, or of an entry of `unacked`; "" if it is malformed."""
    with suppress(ValueError, TypeError, LookupError, RecursionError):
        found = json.loads(text)
        message = found[0] if isinstance(found, list) else found
        return str(message["headers"]["id"])
    return ""


def worker_app(chosen: Settings) -> Celery:
    made = stock_app(chosen)
    since = time.time()  # before the worker takes its first job
    load_tasks(chosen.task_modules)
    for name in all_tasks():
        made.task(name=name, bind=True, max_retries=None)(_run)

    def report_ready(**_: Any) -> None:
        record = json.dumps({"pid": os.getpid(), "since": since})
        connect(chosen.redis_url).set(f"stock-worker:{os.getpid()}", record)

    worker_ready.connect(report_ready, weak=False)
    return made


def _run(self: Any, **arguments: Any) -> Any:
    request = self.request
    since = (request.headers or {}).get("enqueued_at") or time.time()
    job = Job(self.name, arguments, attempts=request.retries, id=request.id, enqueued_at=since)
    outcome = perform(job)
    if isinstance(outcome, Retry):
        eta = datetime.now(UTC) + timedelta(seconds=outcome.after)
        raise self.retry(eta=eta)
    if isinstance(outcome, Failed):
        raise JobDead(outcome.error.traceback)
    return None

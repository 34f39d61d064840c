"""Reports for Celery about jobs unknown to Celery: jobs that are due later, and dead jobs."""

import json
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from billiard.exceptions import WorkerLostError
from celery.app.task import Context
from celery.worker.request import Request
from kombu import Message

from .connection import Decoded
from .queue import Queue

log = logging.getLogger(__name__)

#: The maximum number of jobs that are read, in the order of their due times.
LIMIT = 1000


def scheduled(queue: Queue, lists: Sequence[str], app: Any, hostname: str) -> list[dict[str, Any]]:
    """Return the jobs that are due later, for `celery inspect scheduled` and Flower.

    With other brokers such a job waits in a worker's memory, and each worker lists its own jobs.
    Here each worker lists the jobs of all its queues. Only the `LIMIT` jobs that are due first are
    read.

    The result is in Celery's format, in the order of the due times.

    Args:
        lists: the lists of the worker's queues.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    client: Decoded = queue.client
    keys = [queue.keys(state) for state in ("scheduled", "retrying")]
    found = [pair for key in keys for pair in client.zrange(key, 0, LIMIT - 1, withscores=True)]
    found = sorted(found, key=lambda pair: pair[1])[:LIMIT]
    pipe = client.pipeline(transaction=False)
    for job_id, _ in found:
        pipe.lindex(queue.keys("job", job_id), 0)
    listed = []
    for text, (_, due) in zip(pipe.execute(), found, strict=True):
        with suppress(Exception):  # skip an unreadable job: it becomes dead when it is due
            raw = json.loads(text)
            if raw["properties"]["delivery_info"].get("list") in lists:
                eta = raw["headers"].get("eta") or datetime.fromtimestamp(due, UTC).isoformat()
                request = _request(raw, app, hostname)
                # the priority is that of Celery's timer, not of the job
                listed.append({"eta": eta, "priority": 6, "request": request.info()})
    return listed


def _request(raw: dict[str, Any], app: Any, hostname: str) -> Request:
    headers, properties = raw["headers"], raw["properties"]
    try:
        body = json.loads(raw["body"])
    except (ValueError, TypeError):  # pickled or compressed: only a worker can read it
        body = headers.get("argsrepr"), headers.get("kwargsrepr"), None
    info = properties["delivery_info"]
    message = Message(headers=headers, properties=properties, delivery_info=info)
    return Request(message, app=app, hostname=hostname, body=body, decoded=True)


def store_failures(app: Any, messages: list[str]) -> None:
    """Store a WorkerLostError as the result of each dead job, and call its errbacks.

    An error is only logged: the job remains among the dead jobs.
    """
    for message in messages:
        try:
            raw = json.loads(message)
            args, kwargs, embedded = json.loads(raw["body"])
            request = Context({**raw["headers"], **embedded, "args": args, "kwargs": kwargs})
            error = WorkerLostError("every process that got the task died or could not receive it")
            kept = not request.ignore_result or app.conf.task_store_errors_even_if_ignored
            app.backend.mark_as_failure(request.id, error, request=request, store_result=kept)
        except Exception:  # pickled arguments, or the result backend does not answer
            log.exception("The result of a dead job could not be stored")

"""What Celery's own tools are told of jobs that no task can tell of: those that wait in Redis until
they are due, and those that were given up."""

from __future__ import annotations

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

#: How many jobs are listed at the most, those that are due first.
MOST = 1000


def scheduled(queue: Queue, lanes: Sequence[str], app: Any, hostname: str) -> list[dict[str, Any]]:
    """What `celery inspect scheduled` and Flower show: the jobs of these lanes that are due later,
    as Celery describes them, the soonest first.

    With other brokers such a job waits in a worker's memory, and each worker lists its own. Here
    each worker lists all that wait for the queues it consumes.
    app, hostname: of the worker that answers. Raises redis.RedisError.
    """
    client: Decoded = queue.client
    keys = [queue.keys(state) for state in ("scheduled", "retrying")]
    found = [pair for key in keys for pair in client.zrange(key, 0, MOST - 1, withscores=True)]
    found = sorted(found, key=lambda pair: pair[1])[:MOST]
    pipe = client.pipeline(transaction=False)
    for job_id, _ in found:
        pipe.lindex(queue.keys("job", job_id), 0)
    listed = []
    for text, (_, due) in zip(pipe.execute(), found, strict=True):
        with suppress(Exception):  # what can't be read is not listed; it is dead when it is due
            raw = json.loads(text)
            if raw["properties"]["delivery_info"].get("lane") in lanes:
                eta = raw["headers"].get("eta") or datetime.fromtimestamp(due, UTC).isoformat()
                request = _request(raw, app, hostname)
                # the priority is of Celery's timer, not of the job
                listed.append({"eta": eta, "priority": 6, "request": request.info()})
    return listed


def _request(raw: dict[str, Any], app: Any, hostname: str) -> Request:
    headers, properties = raw["headers"], raw["properties"]
    try:
        body = json.loads(raw["body"])
    except (ValueError, TypeError):  # pickle, or compressed: only its task's worker can read it
        body = headers.get("argsrepr"), headers.get("kwargsrepr"), None
    message = Message(
        headers=headers, properties=properties, delivery_info=properties["delivery_info"]
    )
    return Request(message, app=app, hostname=hostname, body=body, decoded=True)


def store_failure(app: Any, message: str) -> None:
    """A job was given up, for its processes died with it: its result is a WorkerLostError.

    app: the Celery app. message: the job's, as its producer wrote it. Its chain, its chord and its
    errbacks are told as well. Raises nothing: the job itself is among the dead, and safe.
    """
    try:
        raw = json.loads(message)
        args, kwargs, embedded = json.loads(raw["body"])
        request = Context({**raw["headers"], **embedded, "args": args, "kwargs": kwargs})
        error = WorkerLostError("every process that ran the task has died with it")
        app.backend.mark_as_failure(request.id, error, request=request)
    except Exception:  # pickled arguments, or a backend that is away
        log.exception("The result of a job that was given up could not be stored")

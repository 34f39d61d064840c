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

from .connection import Decoded
from .queue import Queue

log = logging.getLogger(__name__)

#: How many jobs are listed at the most, those that are due first.
MOST = 1000


def scheduled(queue: Queue, lanes: Sequence[str], hostname: str) -> list[dict[str, Any]]:
    """What `celery inspect scheduled` and Flower show: the jobs of these lanes that are due later,
    as Celery describes them, the soonest first.

    With other brokers such a job waits in a worker's memory, and each worker lists its own. Here
    each worker lists all that wait for the queues it consumes.
    hostname: of the worker that answers. Raises redis.RedisError.
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
            message = json.loads(text)
            if message["properties"]["delivery_info"].get("lane") in lanes:
                listed.append(_entry(message, due, hostname))
    return listed


def _entry(message: dict[str, Any], due: float, hostname: str) -> dict[str, Any]:
    headers, properties = message["headers"], message["properties"]
    try:
        args, kwargs, _ = json.loads(message["body"])
    except (ValueError, TypeError):  # pickle, or compressed: only its task's worker can read it
        args, kwargs = headers.get("argsrepr"), headers.get("kwargsrepr")
    info = properties["delivery_info"]
    return {
        "eta": headers.get("eta") or datetime.fromtimestamp(due, UTC).isoformat(),
        "priority": 6,  # of Celery's timer, not of the job
        "request": {
            "id": headers["id"],
            "name": headers.get("shadow") or headers["task"],
            "args": args,
            "kwargs": kwargs,
            "type": headers["task"],
            "hostname": hostname,
            "time_start": None,
            "acknowledged": False,
            "delivery_info": {
                "exchange": info["exchange"],
                "routing_key": info["routing_key"],
                "priority": properties.get("priority") or 0,
                "redelivered": False,
            },
            "worker_pid": None,
        },
    }


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

"""What a result backend is told of a job that ended where no task could tell it."""

from __future__ import annotations

import json
import logging
from typing import Any

from billiard.exceptions import WorkerLostError
from celery.app.task import Context

log = logging.getLogger(__name__)


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

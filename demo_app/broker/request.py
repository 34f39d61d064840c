"""A job as Celery runs it: given to the pool, and what becomes of it when that can't be.

By Celery's own means: a task's `Request` class, and what hands a job to the pool.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from billiard.exceptions import WorkerLostError
from celery.exceptions import InvalidTaskError, TaskRevokedError
from celery.worker import state
from celery.worker.request import Request as CeleryRequest

from .blame import ending_of, passes, reason_of
from .claim import Disposition, Ending
from .message import is_job
from .process import in_a_pools_thread, in_flight_here

log = logging.getLogger(__name__)


class Request(CeleryRequest):  # type: ignore[misc]
    """A request that says when the process that ran the job has died."""

    _process_lost = False
    _error: BaseException | None = None
    acknowledged: bool

    def __init__(self, message: Any, **options: Any) -> None:
        super().__init__(message, **options)
        hard, soft = self.time_limits
        if not isinstance((soft or 0) + (hard or 0), int | float):  # prefork would fail at it later
            raise InvalidTaskError(f"no time limit: {self.time_limits!r}")

    def acknowledge(self) -> None:
        """Acknowledge in the pool's own thread, where there is one, and not in Celery's loop."""
        if in_a_pools_thread() and not self.acknowledged and not any(self._on_ack.listeners):
            self.message.ack_log_error(log, self._connection_errors)
            self.acknowledged = True
        else:
            super().acknowledge()

    @property
    def eta(self) -> Any:
        """None: the job has waited in Redis, and the worker starts it at once.

        A message of Celery's first protocol has not: the worker has to wait.
        """
        return None if is_job(self.message.headers) else super().eta

    def on_accepted(self, pid: int, time_accepted: float) -> None:
        """The pool begins the job."""
        super().on_accepted(pid, time_accepted)
        for in_flight in in_flight_here():
            in_flight.begins(self.message.delivery_tag)

    def on_failure(self, exc_info: Any, *args: Any, **kwargs: Any) -> Any:
        """The task failed; Celery decides whether a job whose process was lost is given back."""
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        self._process_lost = isinstance(error, WorkerLostError | SystemExit | KeyboardInterrupt)
        self._error = error
        try:
            return super().on_failure(exc_info, *args, **kwargs)
        except Exception as failed:
            if passes(failed):
                raise
            return self.put_aside(failed)

    def put_aside(self, error: Exception) -> None:
        """The job can't be begun, or can't be ended: see `ending_of`."""
        log.error("A job that can't be run to its end: %s", error, exc_info=error)
        state.task_ready(self)
        if not self._process_lost:
            self._set_ending(ending_of(error))
        self.reject(requeue=self._process_lost)

    def reject(self, requeue: bool = False) -> Any:
        """Give the job back; that its process was lost counts against it like a lost worker."""
        if requeue and self._process_lost:
            self._set_ending(Ending(Disposition.LOST, "the process that ran it died"))
        elif self._error and not requeue:
            self._set_ending(Ending(Disposition.DEAD, reason_of(self._error)), unless_said=True)
        return super().reject(requeue=requeue)

    def _set_ending(self, ending: Ending, *, unless_said: bool = False) -> None:
        for in_flight in in_flight_here():
            in_flight.set_ending(self.message.delivery_tag, ending, unless_said=unless_said)


def start(controller: Any, request: Request) -> None:
    """Give a job to the pool. One that the pool can't take is put aside, and its place is free."""
    try:
        request.execute_using_pool(controller.pool)
        return
    except TaskRevokedError:
        pass
    except Exception as error:
        if passes(error):
            raise
        request.put_aside(error)
        for promise in list(getattr(controller.pool._pool, "_cache", {}).values()):  # of prefork
            if promise.correlation_id is request.id:
                promise.discard()
    with suppress(AttributeError):  # as Celery does; some pools have no places to count
        controller._quick_release()

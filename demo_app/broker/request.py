"""Celery's request for a job, and the function that submits it to the pool."""

import json
import logging
from contextlib import suppress
from typing import Any

from billiard.exceptions import WorkerLostError
from celery.exceptions import InvalidTaskError, TaskRevokedError
from celery.worker import state
from celery.worker.request import Request as CeleryRequest

from .claim import Disposition, Ending
from .error_kinds import ending_of, is_temporary, reason_of
from .message import is_job
from .process import in_a_pools_thread, in_flight_here

log = logging.getLogger(__name__)


class Request(CeleryRequest):  # type: ignore[misc]
    """A request that records failures, and the death of the job's process, in the job's history."""

    _process_lost = False
    _error: BaseException | None = None
    _failure = ""  # the error of the last try, as JSON for the job's history
    acknowledged: bool

    def __init__(self, message: Any, **options: Any) -> None:
        super().__init__(message, **options)
        hard, soft = self.time_limits
        if not isinstance((soft or 0) + (hard or 0), int | float):  # prefork would fail later
            raise InvalidTaskError(f"a time limit must be a number: {self.time_limits!r}")

    def acknowledge(self) -> None:
        """Acknowledge the job. In a pool of threads, the thread that ran the job does this.

        Celery's own request acknowledges in the event loop. Celery also acknowledges a job that
        raised an error: the job counts as done, and its history keeps the traceback.
        """
        if self._failure:
            self._set_ending(Ending(Disposition.DONE, self._failure), only_if_unset=True)
        if in_a_pools_thread() and not self.acknowledged and not any(self._on_ack.listeners):
            self.message.ack_log_error(log, self._connection_errors)
            self.acknowledged = True
        else:
            super().acknowledge()

    @property
    def eta(self) -> Any:
        """The time until which the worker must keep the message.

        None for a job, since jobs are delivered only when they are due. A message of Celery's
        protocol 1 is not a job here (see `is_job`).
        """
        return None if is_job(self.message.headers) else super().eta

    def on_accepted(self, pid: int, time_accepted: float) -> None:
        super().on_accepted(pid, time_accepted)
        for in_flight in in_flight_here():
            in_flight.begins(self.message.delivery_tag)

    def on_failure(self, exc_info: Any, *args: Any, **kwargs: Any) -> Any:
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        self._process_lost = isinstance(error, WorkerLostError | SystemExit | KeyboardInterrupt)
        self._error, self._failure = error, _failed_try(error, exc_info)
        try:
            return super().on_failure(exc_info, *args, **kwargs)
        except Exception as failed:
            # End the claim: if the error were raised, threads and prefork would only log it. A
            # MemoryError of the task, which Celery raises again, would end prefork's worker.
            return self.fail(failed)

    def on_retry(self, exc_info: Any) -> Any:
        self._failure = _failed_try(exc_info.exception.exc or exc_info.exception, exc_info)
        return super().on_retry(exc_info)

    def _announce_revoked(self, reason: str, *details: Any) -> None:
        # set the ending first, since Celery's acknowledgement ends the claim
        self._set_ending(Ending(Disposition.DISCARD, reason))
        super()._announce_revoked(reason, *details)

    def fail(self, error: Exception) -> None:
        """Log the error of a job that can't begin or can't be finished, and end the job's claim.

        `ending_of` chooses the outcome, unless the process that ran the job died.
        """
        log.error("The job %s could not be handled: %s", self.id, error, exc_info=error)
        state.task_ready(self)
        if not self._process_lost:
            self._set_ending(ending_of(error))
        self.reject(requeue=self._process_lost)

    def reject(self, requeue: bool = False) -> Any:
        """Reject the job.

        If the job's process has died, the claim ends as LOST, which counts like a worker's death.
        """
        if requeue and self._process_lost:
            self._set_ending(Ending(Disposition.LOST, "the process that ran it died"))
        elif self._error and not requeue:
            self._set_ending(Ending(Disposition.DEAD, reason_of(self._error)), only_if_unset=True)
        return super().reject(requeue=requeue)

    def _set_ending(self, ending: Ending, *, only_if_unset: bool = False) -> None:
        for in_flight in in_flight_here():
            in_flight.set_ending(self.message.delivery_tag, ending, only_if_unset=only_if_unset)


def _failed_try(error: BaseException, exc_info: Any) -> str:
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    end = str(exc_info.traceback)[-8000:]  # the end, since the last line names the error
    return json.dumps({"error": name, "traceback": end})


def start(controller: Any, request: Request) -> None:
    """Submit a job to the pool.

    If the task is revoked, or the pool cannot run the job, free the job's slot in the pool. If the
    pool cannot run the job, also end the job's claim (see `fail`).
    """
    try:
        request.execute_using_pool(controller.pool)
        return
    except TaskRevokedError:
        pass
    except Exception as error:
        if is_temporary(error):
            raise
        request.fail(error)
        # prefork keeps an object for the job's result in this cache; other pools have no cache
        for promise in list(getattr(controller.pool._pool, "_cache", {}).values()):
            if promise.correlation_id is request.id:
                promise.discard()
    with suppress(AttributeError):  # as in Celery, since some pools have no semaphore
        controller._quick_release()

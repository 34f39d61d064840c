"""What a Celery worker is told at its start, so that it loses nothing, and at its end.

All of it by Celery's own means: its signals, and a task's `Request` class.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from threading import current_thread, main_thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from billiard.einfo import ExceptionInfo
from billiard.exceptions import WorkerLostError
from celery.exceptions import InvalidTaskError, Reject, TaskRevokedError
from celery.signals import celeryd_after_setup, task_revoked, worker_ready, worker_shutdown
from celery.worker import control, state
from celery.worker.request import Request as CeleryRequest

from .blame import ending_of, passes, reason_of
from .claim import Ending, Verdict
from .consumer import Consumer
from .defaults import early_tasks, is_chosen, set_defaults
from .message import is_job
from .reports import scheduled, store_failure

if TYPE_CHECKING:
    from .in_flight import InFlight

log = logging.getLogger(__name__)

_here: dict[str, Any] = {}
_in_memory = control.scheduled  # what Celery itself answers to `inspect scheduled`


class Request(CeleryRequest):  # type: ignore[misc]
    """A request that says when the process that ran the job has died."""

    _process_lost = False
    acknowledged: bool

    def __init__(self, message: Any, **options: Any) -> None:
        super().__init__(message, **options)
        hard, soft = self.time_limits
        if not isinstance((soft or 0) + (hard or 0), int | float):  # prefork would fail at it later
            raise InvalidTaskError(f"no time limit: {self.time_limits!r}")

    def acknowledge(self) -> None:
        """Acknowledge in the pool's own thread, where there is one, and not in Celery's loop."""
        if _in_a_pools_thread() and not self.acknowledged and not any(self._on_ack.listeners):
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
        for in_flight in _here["in_flight"]():
            in_flight.begins(self.message.delivery_tag)

    def on_failure(self, exc_info: Any, *args: Any, **kwargs: Any) -> Any:
        """The task failed; Celery decides whether a job whose process was lost is given back."""
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        self._process_lost = isinstance(error, WorkerLostError | SystemExit | KeyboardInterrupt)
        if isinstance(error, Reject) and not error.requeue:
            self._set_ending(Ending(Verdict.DEAD, reason_of(error)))
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
            self._set_ending(Ending(Verdict.LOST, "the process that ran it died"))
        return super().reject(requeue=requeue)

    def _set_ending(self, ending: Ending) -> None:
        for in_flight in _here["in_flight"]():
            in_flight.set_ending(self.message.delivery_tag, ending)


def _start(controller: Any, request: Request) -> None:
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


def _apply(on_apply: Callable[..., Any], target: Any, *args: Any, **options: Any) -> Any:
    """Give a job to a pool of threads, which would tell nobody of an error outside of the task."""
    accepted = options.pop("accept_callback")

    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            accepted(os.getpid(), monotonic())
            return target(*args, **kwargs)
        except Exception:
            return 1, ExceptionInfo(internal=True), 0.0  # as the other pools have it: it failed

    return on_apply(run, *args, **options)


def connect_signals(in_flight: Callable[[], list[InFlight]]) -> None:
    """Listen to Celery. in_flight: gives what this process has in flight."""
    _here["in_flight"] = in_flight
    celeryd_after_setup.connect(_begin, weak=False)
    worker_ready.connect(_keep_what_the_pool_has, weak=False)
    task_revoked.connect(_discard, weak=False)
    worker_shutdown.connect(leave, weak=False)
    control.inspect_command(name="scheduled", alias="dump_schedule")(_scheduled)


def is_celery_worker() -> bool:
    """Whether this process is a Celery worker, and not just some consumer."""
    return bool(_here.get("worker"))


def info() -> dict[str, Any]:
    """What a Celery worker says of itself beside its pid; nothing elsewhere."""
    return dict(_here.get("worker") or {})


def goes_on() -> bool:
    """Whether the end of a job may bring the next one, which begins in the thread that asks.

    Not at the worker's end; not with the pool solo, where jobs would begin within each other; and
    not in a pool's thread while there are rate limits, whose timer is not made for several threads.
    """
    if _loop() is None or CONSUMER.is_stopping():
        return False
    if _in_a_pools_thread():
        return not any(_here["controller"].consumer.task_buckets.values())
    return bool(info()["pool"] == "prefork")


def look_for_work() -> None:
    """Wake Celery's loop, which claims when there is a free place."""
    loop = _loop()
    if loop is not None and _in_a_pools_thread():
        loop.call_soon(lambda: None)  # it looks again whenever it wakes


def _loop() -> Any:
    return getattr(_here.get("controller"), "hub", None)


def _in_a_pools_thread() -> bool:
    return info().get("pool") == "thread" and current_thread() is not main_thread()


class CeleryConsumer(Consumer):
    """What Celery's worker knows of the jobs that it was given."""

    def waiting_tags(self) -> set[str]:
        """What it has received and not begun."""
        return _tags(state.reserved_requests) - _tags(state.active_requests)

    def is_stopping(self) -> bool:
        """Whether this worker was asked to stop, or to stop at once."""
        return state.should_stop is not None or state.should_terminate is not None

    def given_up(self, message: str) -> None:
        """A caller who waits for the result of a job that was given up gets an error."""
        if "controller" in _here:
            store_failure(_here["controller"].app, message)


CONSUMER = CeleryConsumer()


def _tags(requests: Iterable[Any]) -> set[str]:
    while True:
        with suppress(RuntimeError):  # another thread has just changed the set
            return {str(request.message.delivery_tag) for request in requests}


def _begin(instance: Any, **_: Any) -> None:
    """Just before the worker runs: its pool and tasks are known, and it has received nothing."""
    if not is_chosen(instance.app.conf):
        return
    set_defaults(instance.app)
    pool = instance.pool_cls.__module__.rpartition(".")[2]
    if pool in ("gevent", "eventlet"):
        sys.exit(
            f"The claims broker runs with the pools prefork, threads and solo, not with {pool}: "
            "its heartbeat is a thread."
        )
    atexit.register(leave)  # a cold shutdown sends no signal at its end
    os.register_at_fork(after_in_child=_forget)
    _here["controller"] = instance
    if pool == "thread":
        instance.pool.on_apply = partial(_apply, instance.pool.on_apply)
    if instance.consumer.on_task_request == instance._process_task:
        instance.consumer.on_task_request = partial(_start, instance)
    instance._process_task = partial(_start, instance)
    served = sorted(instance.app.amqp.queues.consume_from)
    _here["worker"] = {"concurrency": instance.concurrency, "pool": pool, "served": served}
    for task in instance.app.tasks.values():
        if task.Request == "celery.worker.request:Request":
            task.Request = f"{__name__}:Request"
    early = early_tasks(instance.app)
    if early:
        log.warning(
            "These tasks are acknowledged before they run, so that a job is lost when its worker "
            "is killed: %s. With acks_late=True it is not.",
            early,
        )


def _forget() -> None:
    """A process of the pool is no worker: what a job consumes there goes back with its channel."""
    _here.pop("worker", None)
    _here.pop("controller", None)


def _keep_what_the_pool_has(sender: Any, **_: Any) -> None:
    """When a connection breaks, Celery would forget the jobs that a process has not begun yet, and
    the process would begin them all the same. With claims, they are still this worker's."""
    if is_celery_worker():
        sender.pool.flush = None


def _scheduled(state: Any, **_: Any) -> list[dict[str, Any]]:
    """List of ETA, countdown and retried tasks, those that wait in Redis too."""
    in_redis = [
        job
        for in_flight in _here["in_flight"]()
        for job in scheduled(in_flight.queue, in_flight.lanes, state.hostname)
    ]
    return [*_in_memory(state), *in_redis]


def _discard(request: Any, reason: str = "revoked", **_: Any) -> None:
    for in_flight in _here["in_flight"]():
        for tag, claim in in_flight.held().items():
            if claim.is_of(request.id):
                in_flight.set_ending(tag, Ending(Verdict.DISCARD, reason))


def leave(**_: Any) -> None:
    """Give back what is held, and deregister: the worker ends."""
    for in_flight in _here["in_flight"]():
        if in_flight.working:
            in_flight.leave()

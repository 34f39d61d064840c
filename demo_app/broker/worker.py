"""Handlers of Celery's signals, which set up a worker at its start and deregister it at its end."""

import atexit
import logging
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import Any

from celery.signals import celeryd_after_setup, worker_ready, worker_shutdown
from celery.worker import control, state

from . import control_replies, process, request
from .defaults import early_tasks, set_defaults, uses_this_broker
from .keys import MAX_QUEUES
from .rights import refusal
from .threads import Threads

log = logging.getLogger(__name__)

_in_memory = control.scheduled  # Celery's own reply to `inspect scheduled`


def connect_signals() -> None:
    celeryd_after_setup.connect(_begin, weak=False)
    worker_ready.connect(_keep_what_the_pool_has, weak=False)
    worker_shutdown.connect(leave, weak=False)
    control.inspect_command(name="scheduled", alias="dump_schedule")(_scheduled)


def may_claim_next() -> bool:
    """Return True if the acknowledgement of a job may claim the next job.

    The thread that acknowledges then also submits the next job to the pool. So the result is False
    in the pool solo, where jobs would nest, and in a pool of threads with rate limits, since
    Celery's timer is not thread-safe. It is also False while the worker shuts down.
    """
    if _loop() is None or state.should_stop is not None or state.should_terminate is not None:
        return False
    if process.in_a_pools_thread():
        return not any(process.controller().consumer.task_buckets.values())
    return bool(process.info()["pool"] == "prefork")


def wake_event_loop() -> None:
    """Wake Celery's event loop, if this is a thread of the pool `threads`.

    The event loop then claims a job if the prefetch window is not full.
    """
    loop = _loop()
    if loop is not None and process.in_a_pools_thread():
        loop.call_soon(lambda: None)


def _loop() -> Any:
    return getattr(process.controller(), "hub", None)


def waiting_tags() -> set[str]:
    return _tags(state.reserved_requests) - _tags(state.active_requests)


def store_failures(messages: list[str]) -> None:
    """Store the results of dead jobs, in a separate thread.

    The heartbeat calls this function, and must not wait for a slow result backend.
    """
    if worker := process.controller():
        threading.Thread(target=control_replies.store_failures, args=(worker.app, messages)).start()


def _tags(requests: Iterable[Any]) -> set[str]:
    while True:
        with suppress(RuntimeError):  # another thread has changed the set meanwhile: read it again
            return {str(request.message.delivery_tag) for request in requests}


def _begin(instance: Any, **_: Any) -> None:
    """Set up a worker before its first message, or exit if the claims broker can't run it.

    Does nothing for a worker on another broker.
    """
    app = instance.app
    if not uses_this_broker(app.conf):
        return
    set_defaults(app)
    pool = instance.pool_cls.__module__.rpartition(".")[2]
    if pool in ("gevent", "eventlet"):
        sys.exit(
            f"The claims broker does not run with the pool {pool}: its heartbeat is a thread. "
            "Use prefork, threads or solo."
        )
    served = sorted(app.amqp.queues.consume_from)
    if len(served) > MAX_QUEUES:
        sys.exit(
            f"A worker on the claims broker consumes at most {MAX_QUEUES:,} queues, not "
            f"{len(served):,}: divide them among several workers with --queues."
        )
    # if Redis does not answer, the worker waits for it later
    with suppress(*app.connection_for_read().connection_errors), app.connection_for_read() as link:
        queue = link.channel().in_flight.queue
        if lacks := refusal(queue.client, queue.keys.prefix):
            sys.exit(lacks)
    atexit.register(leave)  # a cold shutdown sends no signal at its end
    process.begin(instance, concurrency=instance.concurrency, pool=pool, served=served)
    if pool == "thread":
        instance.pool.on_apply = Threads(instance.pool.on_apply).on_apply
    if instance.consumer.on_task_request == instance._process_task:
        instance.consumer.on_task_request = partial(request.start, instance)
    instance._process_task = partial(request.start, instance)
    for task in app.tasks.values():
        if task.Request == "celery.worker.request:Request":
            task.Request = f"{request.__name__}:Request"
    if early := early_tasks(app):
        log.warning(
            "These tasks are acknowledged before they run, so a killed worker loses their jobs: "
            "%s. Set acks_late=True to keep the jobs.",
            early,
        )


def _keep_what_the_pool_has(sender: Any, **_: Any) -> None:
    """Keep Celery's record of the pool's jobs when a connection breaks.

    Celery would drop its record of jobs that have not begun. But these jobs are still claimed, and
    the pool runs them later.
    """
    if process.controller():
        sender.pool.flush = None


def _scheduled(state: Any, **_: Any) -> list[dict[str, Any]]:
    """List of ETA, countdown and retried tasks, including tasks that wait in Redis."""
    jobs = [*_in_memory(state)]
    for here in process.in_flight_here():
        jobs += control_replies.scheduled(here.queue, here.lists, state.app, state.hostname)
    return jobs


def leave(**_: Any) -> None:
    for in_flight in process.in_flight_here():
        if in_flight.working:
            in_flight.leave()

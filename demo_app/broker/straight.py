"""The short way from a job to the next one, without Celery.

What Celery does for each message, from its request to its trace, takes longer than all that the
broker does. So a task may have a `straight`, which runs a job all by itself. As long as neither the
message nor anybody who looks on asks for more, a pool's thread that has ended a job runs the next
one in this way, and so on, until none comes at once. Any other job goes Celery's way.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from celery import signals
from celery.worker import state
from celery.worker.request import Request

from . import process
from .blame import ending_of
from .claim import Claimed, Delivery, Disposition, Ending

#: What a message's headers may ask for; and how its body is written when it asks for nothing.
_ASKS = ("eta", "expires", "stamped_headers", "compression", "group", "shadow")
_AS_IT_IS = ("application/json", "utf-8", "utf-8")
#: Who listens to one of these is to hear of each job.
_SIGNALS = (
    *(signals.task_received, signals.task_prerun, signals.task_postrun, signals.task_success),
    *(signals.task_retry, signals.task_failure),
)
_log_of_tasks = logging.getLogger("celery.app.trace")


class _Going:
    """What `celery inspect active` and others see in place of a request of Celery's, which is made
    when they ask."""

    acknowledged = True  # it is not Celery that ends it
    delivery: Delivery

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def __getattr__(self, name: str) -> Any:
        app, payload = process.controller().app, self.delivery.payload
        message = self._channel.Message(payload, channel=self._channel)
        task = app.tasks[payload["headers"]["task"]]
        return getattr(Request(message, app=app, task=task), name)


def go_on(channel: Any, claimed: Claimed | None, queues: list[str]) -> Delivery | None:
    """Run a job that was claimed from these queues, and those that come with the end of each;
    returns the one that is to go Celery's way; None when no more came."""
    going, finish = _Going(channel), channel.qos.finish
    try:
        while claimed is not None:
            delivery: Delivery | None = channel.take_in(claimed, queues, tracked=True)
            run = delivery and _way_of(delivery.payload)
            if delivery is None or run is None:
                return delivery
            going.delivery = delivery
            state.active_requests.add(going)
            try:
                run()
            except BaseException as error:  # what is wrong with one job ends no other
                channel.in_flight.set_ending(delivery.tag, ending_of(error), unless_said=True)
            claimed, queues = finish(delivery.tag, Ending(Disposition.DONE))
        return None
    finally:
        state.active_requests.discard(going)


def _way_of(payload: dict[str, Any]) -> Callable[[], None] | None:
    """What runs this message's job; None when it has to go Celery's way, which has an answer to
    what can't be read, too."""
    try:
        headers, properties = payload["headers"], payload["properties"]
        run = getattr(process.controller().app.tasks[headers["task"]], "straight", None)
        if run is None or _looked_at() or not properties["delivery_info"]["routing_key"]:
            return None
        written = payload["content-type"], payload["content-encoding"], properties["body_encoding"]
        asked = [headers.get(name) for name in _ASKS]
        asked += [*(headers.get("timelimit") or ()), not headers.get("ignore_result", True)]
        if any(asked) or written != _AS_IT_IS or '"__type__"' in payload["body"]:
            return None
        args, kwargs, embedded = json.loads(payload["body"])
        if any(embedded.values()) or not isinstance(args, list) or not isinstance(kwargs, dict):
            return None
        state.total_count[headers["task"]] += 1
        return partial(run, headers, properties, args, kwargs)
    except Exception:
        return None


def _looked_at() -> bool:
    """Whether anybody is to hear of each job: by Celery's events, its log, its signals; or has
    revoked some."""
    events = process.controller().consumer.event_dispatcher
    told = events and events.enabled and (not events.groups or "task" in events.groups)
    revoked = state.revoked or state.revoked_stamps
    listens = any(signal.receivers for signal in _SIGNALS)
    return bool(told or revoked or listens or _log_of_tasks.isEnabledFor(logging.INFO))

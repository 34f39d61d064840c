"""What is read of our queue: what became of a job, and those that wait, to be moved elsewhere."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

from demo_app.broker.claim import Claim, Verdict
from demo_app.broker.connection import Decoded
from demo_app.broker.events import Event, State
from demo_app.broker.inspect import page
from demo_app.broker.keys import lanes_of
from demo_app.broker.message import Message, parse
from demo_app.broker.queue import Queue
from demo_app.broker.view import JobView
from demo_app.jobs.backend import Backend
from demo_app.jobs.result import GIVEN_UP, STATUS_OF_STATE, TaskError, TaskResult
from demo_app.settings import Settings

_PREFIX = "move-"


def result_of(view: JobView, backend: Backend) -> TaskResult:
    """The result of the job whose history this is; backend: finds it again later."""
    tries = [event for event in view.timeline if event.event in ("retrying", "dead")]
    began = [event.at for event in view.timeline if event.event == "claimed"]
    ended = [event for event in view.timeline if event.event in ("done", "dead", "discarded")]
    last = ended[-1] if ended and view.state in STATUS_OF_STATE else None
    return TaskResult(
        view.id,
        view.task,
        view.arguments,
        backend.name,
        attempts=view.attempts,
        errors=[_error(view, event) for event in tries],
        enqueued_at=_moment(view.enqueued_at),
        started_at=_moment(began[-1]) if began else None,
        finished_at=_moment(last.at) if last else None,
        state=view.state,
        reason=str(last.notes.get("reason", last.notes.get("text", ""))) if last else "",
        _return_value=view.return_value,
        _find=backend.find,
    )


def _error(view: JobView, event: Event) -> TaskError:
    if event.error_class:
        return TaskError(event.error_class, event.traceback)
    return TaskError(GIVEN_UP, f"{view.task}: {event.traceback}")


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


class Waiting:
    """The jobs that wait, taken out one by one. Iterate over it, and call `forget` for what is safe
    elsewhere.

    The process that takes them is a worker like any other meanwhile: what it holds is claimed, and
    is rescued when it dies. So no Celery worker runs a job that is on its way.
    """

    def __init__(self, store: Queue, chosen: Settings) -> None:
        self._store, self._settings = store, chosen
        self._client: Decoded = store.client
        self._lease_ms = int(1000 * chosen.lease_seconds)
        self._worker = f"{_PREFIX}{uuid.uuid4()}"
        self._claims: dict[str, Claim] = {}

    def __iter__(self) -> Iterator[tuple[Message, datetime | None]]:
        """Each job's message, and when it is due: first what is queued, in its order."""
        self._rescue_what_dead_movers_held()
        info = json.dumps({"pid": os.getpid()})
        lanes = lanes_of(*self._settings.queues)
        self._store.register(self._worker, self._lease_ms, info)
        try:
            while taken := self._store.claim(self._worker, lanes):
                (claimed,) = taken
                self._claims[claimed.claim.id] = claimed.claim
                yield parse(claimed.message), None
                self._store.beat(self._worker, self._lease_ms, info)
        finally:
            self._store.deregister(self._worker)
        for state in (State.RETRYING, State.SCHEDULED):
            cursor, more = None, True
            while more:
                found = page(self._client, state, limit=100, cursor=cursor)
                for view in found.jobs:
                    message = parse(self._client.lindex(f"job:{view.id}", 0))
                    yield message, _moment(view.due or 0.0)
                cursor, more = found.next, found.next is not None

    def forget(self, job_id: str) -> None:
        """The job is safe elsewhere. Nothing is left of it here but a number in the counters: an
        id that is remembered would not be taken again, should the job be moved back one day."""
        claim = self._claims.pop(job_id, None)
        if claim is None:
            self._store.decide(job_id, "moved", by="move")
        else:
            self._store.finish(claim, Verdict.MOVED)

    def _rescue_what_dead_movers_held(self) -> None:
        deadline = time.monotonic() + 3 * self._settings.lease_seconds
        while time.monotonic() < deadline and any(
            worker.startswith(_PREFIX) for worker in self._client.smembers("workers")
        ):
            self._store.rescue("move", self._lease_ms, self._settings.max_rescues)
            time.sleep(0.1)  # until their lease has run out

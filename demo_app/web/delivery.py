"""Where each comment's notification is at this moment, or that it is lost.

The locator asks everyone who may have it, in the order in which it travels: the outbox, the queue,
this process's own memory, and last the inbox. What nobody has but the outbox will be handed over
again; what nobody has at all is lost. Nothing is guessed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from enum import StrEnum

import redis

from demo_app.blog import outbox
from demo_app.blog.posts import Notice
from demo_app.broker.events import State
from demo_app.broker.fold import state_after
from demo_app.broker.queue import Queue
from demo_app.jobs.backend import Backend, backend_named
from demo_app.web.comments import CommentService
from demo_app.web.inbox import Inbox

#: Jobs that a backend is asked about one by one, for one answer.
_ASKED = 100
#: Seconds that a reader's page waits for the answer, and how many pages wait at the same time.
_PATIENCE, _THREADS = 0.5, 4


class Place(StrEnum):
    """Where a notification can be. UNSURE: Redis may have it, and can't be asked now."""

    OUTBOX = "outbox"
    MEMORY = "memory"
    QUEUED = "queued"
    RUNNING = "running"
    LATER = "later"
    DEAD = "dead"
    DELIVERED = "delivered"
    DISCARDED = "discarded"
    UNSURE = "unsure"
    LOST = "lost"

    @property
    def sum(self) -> str:
        """Which number of the stage's sums it counts for."""
        own = (Place.RUNNING, Place.DELIVERED, Place.DISCARDED, Place.LOST)
        return self.value if self in own else "waiting"

    @property
    def station(self) -> str:
        """The last station that a reader's mail has reached; "queued" where nobody says more."""
        if self in (Place.OUTBOX, Place.UNSURE, Place.LOST):
            return "posted"
        return self.value if self in (Place.RUNNING, Place.DELIVERED) else "queued"


PLACE_OF_STATE = {
    State.QUEUED: Place.QUEUED,
    State.RUNNING: Place.RUNNING,
    State.SCHEDULED: Place.LATER,
    State.RETRYING: Place.LATER,
    State.DEAD: Place.DEAD,
    State.DONE: Place.DELIVERED,
    State.DISCARDED: Place.DISCARDED,
}


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """A comment's notification.

    owner: the worker that has it. rescued: whether it was lately rescued from a dead worker.
    backend: the backend in this process's memory that has, or had, it; "" for none.
    """

    notice: Notice
    place: Place
    owner: str = ""
    rescued: bool = False
    backend: str = ""


class Locator:
    """See the module. Remembers what was delivered, which is final; all else is asked anew."""

    def __init__(self, comments: CommentService, queue: Queue | None, inbox: Inbox) -> None:
        self._comments, self._queue, self._inbox = comments, queue, inbox
        self._delivered: set[str] = set()
        self._mailed: set[str] = set()  # job ids seen in the inbox
        self._asked_inbox = 0.0
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="locator")

    def locate_soon(self, notice: Notice) -> DeliveryStatus:
        """Where one notification is, for a page that must not wait: unsure, if a sink or a Redis
        that may have it does not answer within half a second."""
        answer = self._pool.submit(self.locate, [notice])
        try:
            return answer.result(_PATIENCE)[0]
        except FutureTimeout:
            answer.cancel()
            return DeliveryStatus(notice, Place.UNSURE)

    def locate(self, notices: Sequence[Notice]) -> list[DeliveryStatus]:
        """Where the notification of each comment is. Asks everyone a bounded number of times."""
        found = self._find([one for one in notices if one.job_id not in self._delivered])
        self._delivered |= {job for job, status in found.items() if status.place is Place.DELIVERED}
        return [
            found.get(notice.job_id) or DeliveryStatus(notice, Place.DELIVERED)
            for notice in notices
        ]

    def _find(self, notices: Sequence[Notice]) -> dict[str, DeliveryStatus]:
        """By job id. The order is that in which a job travels: none slips through between."""
        rows = outbox.among(self._comments.database, [one.job_id for one in notices])
        found = {
            one.job_id: DeliveryStatus(one, Place.OUTBOX)
            for one in notices
            if one.job_id in rows and not self._comments.relay.has_handed_over(rows[one.job_id])
        }

        def rest() -> list[Notice]:
            return [notice for notice in notices if notice.job_id not in found]

        found |= self._in_this_process(rest())
        try:
            found |= self._in_redis(rest()) if self._queue else self._in_another_backend(rest())
        except (redis.ConnectionError, redis.TimeoutError):
            return found | {one.job_id: DeliveryStatus(one, Place.UNSURE) for one in rest()}
        nowhere = rest()
        if nowhere:
            self._ask_inbox()
        for notice in nowhere:
            if notice.job_id in self._mailed:
                place = Place.DELIVERED
            elif notice.job_id in rows:
                place = Place.OUTBOX
            else:  # a comment of this second may be on its way into this process's memory
                place = Place.MEMORY if time.time() - notice.created_at < 1.0 else Place.LOST
            found[notice.job_id] = DeliveryStatus(notice, place)
        return found

    def _in_this_process(self, notices: Sequence[Notice]) -> dict[str, DeliveryStatus]:
        found = {}
        used = [name for name in ("memory", "inline") if name in self._comments.used]
        for backend in map(backend_named, used):
            for notice in notices:
                result = backend.find(notice.job_id)
                if result is not None:
                    place = PLACE_OF_STATE[State(result.state)]
                    place = Place.MEMORY if place is Place.QUEUED else place
                    found[notice.job_id] = DeliveryStatus(notice, place, backend=backend.name)
        return found

    def _in_redis(self, notices: Sequence[Notice]) -> dict[str, DeliveryStatus]:
        if self._queue is None or not notices:
            return {}
        recent = self._queue.recent([notice.job_id for notice in notices])
        # the last few events tell the state; a late acknowledgement changes none
        seen = {events for events, _ in recent if events}  # few different ones
        place_after = {events: PLACE_OF_STATE[state_after(events.split())] for events in seen}
        found = {}
        for notice, (events, owner) in zip(notices, recent, strict=True):
            if events:
                place = place_after[events]
                owner = owner if place is Place.RUNNING else ""
                found[notice.job_id] = DeliveryStatus(notice, place, owner, "rescued" in events)
        return found

    def _in_another_backend(self, notices: Sequence[Notice]) -> dict[str, DeliveryStatus]:
        """What a backend with a queue of its own says, asked job by job.

        One that can't be asked, or not about so many, leaves it open.
        """
        backend = backend_named()
        if backend.in_request or backend.name == "memory":
            return {}
        self._ask_inbox()
        notices = [one for one in notices if one.job_id not in self._mailed]
        found = {one.job_id: DeliveryStatus(one, Place.UNSURE) for one in notices}
        if type(backend).find is Backend.find:
            return found
        for notice in notices[-_ASKED:]:  # the oldest, which move first
            try:
                result = backend.find(notice.job_id)
            except redis.RedisError:
                break
            if result is None:
                found.pop(notice.job_id)
            else:
                place = PLACE_OF_STATE[State(result.state)]
                found[notice.job_id] = DeliveryStatus(notice, place)
        return found

    def _ask_inbox(self) -> None:
        """Note which jobs' mails have arrived, twice a second at the most, and one at a time."""
        with self._lock:
            if time.monotonic() - self._asked_inbox < 0.5:
                return
            for mails in self._inbox.pages(10):
                jobs = {mail["job_id"] for mail in mails if mail.get("job_id")}
                known = bool(jobs & self._mailed)
                self._mailed |= jobs
                if known:
                    break
            self._asked_inbox = time.monotonic()

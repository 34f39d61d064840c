"""Where each comment's notification is at this moment, or that it is lost.

It asks everyone who may have it, in the order in which it travels: the outbox, the queue, this
process's own memory, and last the inbox. What nobody has is lost; nothing is guessed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import redis

from demo_app.blog import outbox
from demo_app.blog.posts import Notice
from demo_app.broker.events import State, state_after
from demo_app.broker.queue import Queue
from demo_app.jobs.backend import Backend, backend_named
from demo_app.web.desk import Desk
from demo_app.web.inbox import Inbox

#: Jobs that a backend is asked about one by one, for one look.
_ASKED = 100


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


#: Which number of the ledger a place counts for.
SUM = {
    Place.OUTBOX: "waiting",
    Place.MEMORY: "waiting",
    Place.QUEUED: "waiting",
    Place.LATER: "waiting",
    Place.UNSURE: "waiting",
    Place.DEAD: "waiting",
    Place.RUNNING: "running",
    Place.DELIVERED: "delivered",
    Place.DISCARDED: "discarded",
    Place.LOST: "lost",
}
_OF_STATE = {
    State.QUEUED: Place.QUEUED,
    State.RUNNING: Place.RUNNING,
    State.SCHEDULED: Place.LATER,
    State.RETRYING: Place.LATER,
    State.DEAD: Place.DEAD,
    State.DONE: Place.DELIVERED,
    State.DISCARDED: Place.DISCARDED,
}


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """A comment's notification. owner: the worker that has it. backend: who runs it, if it is not
    kept in Redis."""

    notice: Notice
    place: Place
    owner: str = ""
    backend: str = ""


class Tracker:
    """See the module. Remembers what was delivered, which is final; all else is asked anew."""

    def __init__(self, desk: Desk, store: Queue | None, inbox: Inbox) -> None:
        self._desk, self._store, self._inbox = desk, store, inbox
        self._delivered: set[int] = set()
        self._mailed: set[str] = set()  # job ids seen in the inbox
        self._asked_inbox = 0.0
        self._lock = threading.Lock()

    def look(self, notices: Sequence[Notice]) -> list[Whereabouts]:
        """Where the notification of each comment is. Asks everyone a bounded number of times."""
        with self._lock:
            open_ones = [one for one in notices if one.comment_id not in self._delivered]
            found = self._find(open_ones)
            for notice in open_ones:
                if found[notice.comment_id].place is Place.DELIVERED:
                    self._delivered.add(notice.comment_id)
        return [found.get(one.comment_id) or Whereabouts(one, Place.DELIVERED) for one in notices]

    def _find(self, notices: Sequence[Notice]) -> dict[int, Whereabouts]:
        found: dict[int, Whereabouts] = {}
        # in this order, since it is the order in which a job travels: none slips through between
        waiting = outbox.among(self._desk.database, [one.job_id for one in notices])
        waiting -= self._desk.relay.handed_over()
        for notice in notices:
            if notice.job_id in waiting:
                found[notice.comment_id] = Whereabouts(notice, Place.OUTBOX)
            elif (here := self._in_this_process(notice)) is not None:
                found[notice.comment_id] = here
        rest = [notice for notice in notices if notice.comment_id not in found]
        try:
            found |= self._in_redis(rest)
        except (redis.ConnectionError, redis.TimeoutError):
            return found | {one.comment_id: Whereabouts(one, Place.UNSURE) for one in rest}
        found |= self._in_another_backend([one for one in rest if one.comment_id not in found])
        rest = [notice for notice in rest if notice.comment_id not in found]
        if rest:
            self._ask_inbox()
        for notice in rest:
            if notice.job_id in self._mailed:
                place = Place.DELIVERED
            else:  # a comment of this second may be on its way into this process's memory
                place = Place.MEMORY if time.time() - notice.created_at < 1.0 else Place.LOST
            found[notice.comment_id] = Whereabouts(notice, place)
        return found

    def _in_this_process(self, notice: Notice) -> Whereabouts | None:
        for name in ("memory", "inline"):
            used = name in self._desk.used
            result = backend_named(name).find(notice.job_id) if used else None
            if result is not None:
                place = _OF_STATE[State(result.state)]
                place = Place.MEMORY if place is Place.QUEUED else place
                return Whereabouts(notice, place, backend=name)
        return None

    def _in_redis(self, notices: Sequence[Notice]) -> dict[int, Whereabouts]:
        if self._store is None or not notices:
            return {}
        recent = self._store.recent([notice.job_id for notice in notices])
        # the last few events tell the state; a late acknowledgement changes none
        seen = {events for events, _ in recent if events}  # few different ones
        place_after = {events: _OF_STATE[state_after(events.split())] for events in seen}
        found = {}
        for notice, (events, owner) in zip(notices, recent, strict=True):
            if events:
                place = place_after[events]
                owner = owner if place is Place.RUNNING else ""
                found[notice.comment_id] = Whereabouts(notice, place, owner)
        return found

    def _in_another_backend(self, notices: Sequence[Notice]) -> dict[int, Whereabouts]:
        """What a backend with a queue of its own says, asked job by job.

        One that can't be asked, or not about so many, leaves it open.
        """
        backend = backend_named()
        if self._store is not None or backend.in_request or backend.name == "memory":
            return {}
        self._ask_inbox()
        notices = [one for one in notices if one.job_id not in self._mailed]
        found = {one.comment_id: Whereabouts(one, Place.UNSURE) for one in notices}
        if type(backend).find is Backend.find:
            return found
        for notice in notices[-_ASKED:]:  # the oldest, which move first
            try:
                result = backend.find(notice.job_id)
            except redis.RedisError:
                break
            if result is None:
                found.pop(notice.comment_id)
            else:
                place = _OF_STATE[State(result.state)]
                found[notice.comment_id] = Whereabouts(notice, place)
        return found

    def _ask_inbox(self) -> None:
        """Note which jobs' mails have arrived, twice a second at the most."""
        if time.monotonic() - self._asked_inbox < 0.5:
            return
        self._asked_inbox = time.monotonic()
        cursor: str | None = None
        for _ in range(10):
            mails, cursor = self._inbox.newest(cursor)
            seen = {mail["job_id"] for mail in mails if mail.get("job_id")}
            known = bool(seen & self._mailed)
            self._mailed |= seen
            if cursor is None or known:
                break

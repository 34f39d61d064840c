"""Where each comment's notification is at this moment, or that it is lost.

It asks everyone who may have it, in the order in which it travels: the outbox, the queue, this
process's own memory, and last the inbox. What nobody has is lost; nothing is guessed.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import redis

from demo_app.blog import posts
from demo_app.blog.posts import Comment
from demo_app.jobs.backends import backend_named
from demo_app.queue.history import State, state_after
from demo_app.queue.store import Store
from demo_app.web.desk import Desk
from demo_app.web.inbox import Inbox


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

    comment: Comment
    place: Place
    owner: str = ""
    backend: str = ""


class Tracker:
    """See the module. Remembers what was delivered, which is final; all else is asked anew."""

    def __init__(self, desk: Desk, store: Store | None, inbox: Inbox) -> None:
        self._desk, self._store, self._inbox = desk, store, inbox
        self._delivered: set[int] = set()
        self._mailed: set[str] = set()  # job ids seen in the inbox
        self._asked_inbox = 0.0
        self._lock = threading.Lock()

    def look(self, comments: Sequence[Comment]) -> list[Whereabouts]:
        """Where the notification of each comment is. Asks everyone a bounded number of times."""
        with self._lock:
            open_ones = [one for one in comments if one.id not in self._delivered]
            found = self._find(open_ones)
            for comment in open_ones:
                if found[comment.id].place is Place.DELIVERED:
                    self._delivered.add(comment.id)
        return [found.get(one.id) or Whereabouts(one, Place.DELIVERED) for one in comments]

    def _find(self, comments: Sequence[Comment]) -> dict[int, Whereabouts]:
        found: dict[int, Whereabouts] = {}
        # in this order, since it is the order in which a job travels: none slips through between
        waiting = posts.jobs_in_outbox(self._desk.database, [one.job_id for one in comments])
        waiting -= self._desk.relay.handed_over()
        for comment in comments:
            if comment.job_id in waiting:
                found[comment.id] = Whereabouts(comment, Place.OUTBOX)
            elif (here := self._in_this_process(comment)) is not None:
                found[comment.id] = here
        rest = [comment for comment in comments if comment.id not in found]
        try:
            found |= self._in_redis(rest)
        except (redis.ConnectionError, redis.TimeoutError):
            return found | {one.id: Whereabouts(one, Place.UNSURE) for one in rest}
        rest = [comment for comment in rest if comment.id not in found]
        if rest:
            self._ask_inbox()
        for comment in rest:
            if comment.job_id in self._mailed:
                place = Place.DELIVERED
            else:  # a comment of this second may be on its way into this process's memory
                place = Place.MEMORY if time.time() - comment.created_at < 1.0 else Place.LOST
            found[comment.id] = Whereabouts(comment, place)
        return found

    def _in_this_process(self, comment: Comment) -> Whereabouts | None:
        for name in ("memory", "inline"):
            used = name in self._desk.used
            result = backend_named(name).find(comment.job_id) if used else None
            if result is not None:
                place = _OF_STATE[State(result.state)]
                place = Place.MEMORY if place is Place.QUEUED else place
                return Whereabouts(comment, place, backend=name)
        return None

    def _in_redis(self, comments: Sequence[Comment]) -> dict[int, Whereabouts]:
        if self._store is None or not comments:
            return {}
        pipe = self._store.client.pipeline(transaction=False)
        for comment in comments:
            # the last few events tell the state; a late acknowledgement changes none
            pipe.lrange(f"job:{comment.job_id}", -4, -1)
        found = {}
        for comment, lines in zip(comments, pipe.execute(), strict=True):
            events = [json.loads(line) for line in lines if line.startswith("[")]
            if events:
                place = _OF_STATE[state_after(event[0] for event in events)]
                claims = [event[2] for event in events if event[0] == "claimed"]
                owner = claims[-1] if claims and place is Place.RUNNING else ""
                found[comment.id] = Whereabouts(comment, place, owner)
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

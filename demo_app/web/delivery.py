"""The current place of each comment's notification: for example queued, delivered or lost.

This module reads the outbox, this process's memory, the queue and the inbox;
`demo_app.broker.where` decides the place.
"""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import asdict, dataclass

import redis

from demo_app.blog import outbox
from demo_app.blog.posts import Notice
from demo_app.broker.events import State
from demo_app.broker.queue import Queue
from demo_app.broker.snapshot import JobSeen, Snapshot
from demo_app.broker.where import PLACE_OF_STATE, Place, Whereabouts, where
from demo_app.jobs.backend import Backend, backend_named
from demo_app.web.comments import CommentService
from demo_app.web.inbox import Inbox
from demo_app.web.snapshot import take

#: Limit of the jobs that are looked up one by one in a backend.
_LOOKED_UP = 100
#: Seconds that a page waits for a notification's place, and number of threads for the search.
_PATIENCE, _THREADS = 0.5, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStatus(Whereabouts):
    """The place of a comment's notification."""

    notice: Notice

    @property
    def station(self) -> str:
        """The last confirmed step of the delivery: posted, queued, running or delivered."""
        if self.place in (Place.OUTBOX, Place.UNSURE, Place.LOST):
            return "posted"
        reached = self.place in (Place.RUNNING, Place.DELIVERED)
        return self.place.value if reached else "queued"


class Locator:
    """The search for the places of notifications. Only deliveries are cached: they are final."""

    def __init__(self, comments: CommentService, queue: Queue | None, inbox: Inbox) -> None:
        self._comments, self._queue, self._inbox = comments, queue, inbox
        self._delivered: set[str] = set()
        self._mailed: set[str] = set()  # job ids seen in the inbox
        self._asked_inbox = 0.0
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="locator")

    def locate_soon(self, notice: Notice) -> DeliveryStatus:
        """Return the place of one notification within half a second.

        The place is `UNSURE` if the sink or Redis does not answer in this time.
        """
        answer = self._pool.submit(self.locate, [notice])
        try:
            return answer.result(_PATIENCE)[0]
        except FutureTimeout:
            answer.cancel()
            return DeliveryStatus(Place.UNSURE, notice=notice)

    def locate(self, notices: Sequence[Notice]) -> list[DeliveryStatus]:
        return self.locate_with_snapshot(notices)[0]

    def locate_with_snapshot(
        self, notices: Sequence[Notice], limit: int = 0
    ) -> tuple[list[DeliveryStatus], Snapshot | None]:
        """Return the place of each notification, and the snapshot of the queue that was used.

        The snapshot is None if Redis does not answer, or if the jobs are not in Redis.

        Args:
            limit: maximum number of jobs of each list in the snapshot.
        """
        open_ = [one for one in notices if one.job_id not in self._delivered]
        found, seen = self._find(open_, limit)
        self._delivered |= {job for job, one in found.items() if one.place is Place.DELIVERED}
        gone = Whereabouts(Place.DELIVERED)
        places = [(asdict(found.get(notice.job_id, gone)), notice) for notice in notices]
        return [DeliveryStatus(**place, notice=notice) for place, notice in places], seen

    def _find(
        self, notices: Sequence[Notice], limit: int
    ) -> tuple[dict[str, Whereabouts], Snapshot | None]:
        ids = [one.job_id for one in notices]
        rows = outbox.rows_by_job_id(self._comments.database, ids)
        handed = {job: self._comments.relay.has_handed_over(row) for job, row in rows.items()}
        elsewhere = self._in_this_process(ids)
        seen, queue = None, dict[str, JobSeen]()
        try:
            if self._queue is not None:
                seen = take(self._queue, self._comments.backend, limit, ids=ids)
                queue = seen.looked_up
            else:
                elsewhere |= self._in_another_backend(
                    [j for j in ids if handed.get(j) is not False]
                )
        except (redis.ConnectionError, redis.TimeoutError):
            return where(ids, outbox=handed, queue=None, arrived=set, memory=elsewhere), None
        found = where(ids, outbox=handed, queue=queue, arrived=self._arrived, memory=elsewhere)
        for notice in notices:
            young = time.time() - notice.created_at < 1.0
            if found[notice.job_id].place is Place.LOST and young:
                # the comment is new: its job may not be in this process's memory yet
                found[notice.job_id] = Whereabouts(Place.MEMORY)
        return found, seen

    def _in_this_process(self, ids: Sequence[str]) -> dict[str, Whereabouts]:
        found = {}
        for name in self._comments.used.keys() & {"memory", "inline"}:
            for job, state in self._comments.used[name].states(ids).items():
                place = PLACE_OF_STATE[State(state)]
                place = Place.MEMORY if place is Place.QUEUED else place
                found[job] = Whereabouts(place, backend=name)
        return found

    def _in_another_backend(self, ids: Sequence[str]) -> dict[str, Whereabouts]:
        """Return the places of jobs in the configured backend, if it has a queue of its own.

        The oldest _LOOKED_UP jobs are looked up; the other jobs are `UNSURE`. All jobs are `UNSURE`
        if Redis does not answer, or if the backend can't look up jobs. The result does not contain
        jobs with a delivered mail, or jobs that the backend does not know.
        """
        backend = backend_named()
        if backend.in_request or backend.name == "memory":
            return {}
        mailed = self._arrived()
        ids = [job for job in ids if job not in mailed]
        found = dict.fromkeys(ids, Whereabouts(Place.UNSURE))
        if type(backend).find is Backend.find:
            return found
        oldest = ids[-_LOOKED_UP:]  # `ids` begins with the newest job
        with suppress(redis.RedisError):
            states = backend.states(oldest)
            found = {job: place for job, place in found.items() if job not in oldest}
            found |= {job: Whereabouts(PLACE_OF_STATE[State(states[job])]) for job in states}
        return found

    def _arrived(self) -> set[str]:
        with self._lock:
            if time.monotonic() - self._asked_inbox < 0.5:
                return self._mailed
            for mails in self._inbox.pages(10):
                jobs = {mail["job_id"] for mail in mails if mail.get("job_id")}
                known = bool(jobs & self._mailed)
                self._mailed |= jobs
                if known:
                    break
            self._asked_inbox = time.monotonic()
            return self._mailed

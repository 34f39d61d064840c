"""The claims of this worker process: what it holds, and how each ends.

They outlive Celery's connections. When Redis goes away, Celery drops its channels and with them
every acknowledgement; a job that ends meanwhile is acknowledged here, when Redis is back.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from itertools import count

import redis

from demo_app.broker.claim import Claim, Claimed, Verdict
from demo_app.broker.connection import connect
from demo_app.broker.lease import Lease
from demo_app.broker.message import Message, lanes_of, parse
from demo_app.broker.queue import Queue
from demo_app.failpoints import Step, hit
from demo_app.jobs.perform import LeaseLost
from demo_app.settings import Safeguard, Settings, settings

log = logging.getLogger(__name__)

#: Seconds between tries while Redis is away, and between two complaints about it.
PAUSE, COMPLAINTS = 0.2, 10.0


@dataclass(frozen=True, slots=True)
class Held:
    """A claim, and the message that came with it."""

    claim: Claim
    message: Message


class InFlight:
    """See the module. One object a process, made by `in_flight()`."""

    def __init__(self, chosen: Settings) -> None:
        self.store = Queue(
            connect(chosen.redis_url),
            journal_length=chosen.journal_length,
            history_length=chosen.history_length,
        )
        self.lease = Lease(self.store, chosen)
        self.lanes = [lane for queue in chosen.queues for lane in lanes_of(queue)]
        self._held: dict[str, Held] = {}  # by Celery's delivery tag
        self._tags = count(1)
        self._strangers: set[Claim] = set()
        self._lock = threading.Lock()
        self._next_complaint = 0.0
        self._pops = not chosen.has(Safeguard.ATOMIC_CLAIM)
        #: The script that takes a job.
        self.taking = "pop" if self._pops else "claim"
        #: This process is a worker, and not one that only puts jobs in.
        self.working = False
        #: No further job is claimed; what is held goes on.
        self.draining = False
        self.closing = False

    def took(self, claim: Claim, message: Message) -> str:
        """Note that a script gave us a job; returns the tag by which it is known here.

        It is this delivery's own: the same job may come again while an old run still ends.
        """
        if self._pops:
            hit(Step.POPPED)
            self.store.note_pop(claim)
        tag = str(next(self._tags))
        with self._lock:
            self._held[tag] = Held(claim, message)
        hit(Step.CLAIMED)
        return tag

    def message(self, tag: str) -> Message:
        """The message behind a delivery tag.

        Raises LeaseLost when its claim has ended.
        """
        held = self._held.get(tag)
        if held is None:
            raise LeaseLost("the claim has ended already")
        return held.message

    def finish(
        self,
        tag: str,
        verdict: Verdict,
        *,
        detail: str = "",
        after: float | None = None,
        message: str = "",
        go_on: bool = False,
    ) -> str | None:
        """End a claim, waiting for Redis as long as it takes.

        go_on: take the next job in the same step. Returns that job's tag, if there is one.

        See `Queue.finish`. A Redis that answers with an error (its disk is full, say) is waited for
        like one that is away: what a job came to must not be lost with it.
        """
        held = self._held.get(tag)
        if held is None:
            return None
        claim = held.claim
        while True:
            going_on = go_on and not (self.draining or self._pops)
            try:
                ended = self.store.finish(
                    claim,
                    verdict,
                    detail=detail,
                    after=after,
                    message=message,
                    next_for=(self.lease.worker, self.lanes) if going_on else None,
                )
                break
            except redis.RedisError as error:
                if self.closing:
                    log.warning("%s ends unacknowledged and will be rescued: %s", claim.id, error)
                    return None
                self._wait_for_redis(error)
        with self._lock:
            self._held.pop(tag, None)
        hit(_STEP_OF.get(verdict, Step.ACKNOWLEDGED))
        return None if ended.following is None else self._taken(ended.following)

    def _taken(self, claimed: Claimed) -> str | None:
        try:
            return self.took(claimed.claim, parse(claimed.message))
        except ValueError as error:
            self.store.finish(claimed.claim, Verdict.DEAD, detail=str(error))
            return None

    def check(self, tag: str) -> None:
        """Call before a side effect: raises LeaseLost when the job is not ours any more."""
        held = self._held.get(tag)
        if held is None:
            raise LeaseLost("the claim has ended already")
        while True:
            try:
                return self.lease.check(held.claim.worker)
            except redis.RedisError as error:
                if self.closing:
                    raise LeaseLost("Redis is away and the worker stops") from None
                self._wait_for_redis(error)

    def held(self) -> set[str]:
        """The delivery tags of what is held."""
        with self._lock:
            return set(self._held)

    def audit(self) -> int:
        """Give back jobs that Redis has on our list and that nobody here knows of.

        Such a stranger is left when a connection breaks between the claim and its answer. It is
        given back when two audits in a row have met it, since an answer may be on its way.
        Returns how many were given back.
        """
        with self._lock:
            known = {held.claim.id for held in self._held.values()}
        listed = self.store.held_by(self.lease.worker, self.lanes)
        strangers = {claim for claim in listed if claim.id not in known}
        lost, self._strangers = strangers & self._strangers, strangers
        for claim in lost:
            self.store.finish(claim, Verdict.REQUEUE, detail="the claim's answer was lost")
        return len(lost)

    def goodbye(self) -> None:
        """Give back what is still held, to the head of the queue, and sign off.

        When Redis can't be reached, what is held stays on this worker's list: it falls silent, and
        is rescued one lease later.
        """
        self.draining = self.closing = True
        with self._lock:
            self._held.clear()  # whoever still runs must not begin a side effect now
        try:
            self.lease.end()
        except redis.RedisError as error:
            log.warning("Could not sign off; others will find out: %s", error)

    def _wait_for_redis(self, error: redis.RedisError) -> None:
        if time.monotonic() > self._next_complaint:
            self._next_complaint = time.monotonic() + COMPLAINTS
            log.warning("Waiting for Redis: %s", error)
        time.sleep(PAUSE)


_STEP_OF = {Verdict.RETRY: Step.RETRY_SCHEDULED, Verdict.DEAD: Step.DIED}
_claims: InFlight | None = None


def in_flight() -> InFlight:
    """This process's claims."""
    global _claims
    if _claims is None:
        _claims = InFlight(settings())
    return _claims

"""What this process has claimed, and how each claim ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import redis

from .blame import passes, reason_of
from .claim import Claim, Claimed, Disposition, Ending
from .complaints import Complaints
from .holding import Holding
from .lease import Lease, LeaseLost
from .queue import Queue
from .steps import passed

log = logging.getLogger(__name__)

#: Seconds between tries while Redis is away.
PAUSE = 0.2
_STEP_OF = {Disposition.RETRY: "retry_scheduled", Disposition.DEAD: "died"}


class Acknowledging:
    """See the module."""

    def __init__(self, queue: Queue, lease: Lease) -> None:
        self.queue, self.options, self.lease = queue, queue.options, lease
        self.holding = Holding()
        self._said_to_wait: set[str] = set()  # ids, by the last heartbeat
        self._pending: dict[str, Ending] = {}  # by tag: what Redis has not answered
        self._complaints = Complaints()
        #: The delivery tags of what whoever runs the jobs has received and not begun.
        self.waiting_tags: Callable[[], set[str]] = set
        #: Is told the message of each job that was given up, for it kept killing its workers.
        self.given_up: Callable[[str], None] | None = None
        #: No further job is claimed; what is held goes on.
        self.draining = False
        self.closing = False

    def track(self, claimed: Claimed) -> str | None:
        """Note that a script gave us a job; returns the tag by which it is known here.

        None when the answer came so late that the job was given back meanwhile.
        """
        tag = self.holding.take(claimed)
        if tag is not None:
            passed("claimed")
        return tag

    def message(self, tag: str) -> str:
        """The message behind a delivery tag, as its producer wrote it.

        Raises LeaseLost when its claim has ended.
        """
        held = self.holding.get(tag)
        if held is None:
            raise LeaseLost("the claim has ended already")
        return held.message

    def begins(self, tag: str) -> None:
        """The job begins: should this worker die now, it may be the cause. Redis has to hear of it
        only when a heartbeat has said that the job waits."""
        held = self.holding.get(tag)
        if held is not None and held.claim.id in self._said_to_wait:
            with suppress(redis.RedisError):  # the next heartbeat says so
                self.queue.begin(held.claim.worker, [held.claim.id])

    def set_ending(self, tag: str, ending: Ending, *, unless_said: bool = False) -> None:
        """Say how the claim is to end when Celery acknowledges it; unless_said: if nobody has."""
        held = self.holding.get(tag)
        if held is not None and not (unless_said and held.ending):
            held.ending = ending

    def finish(self, tag: str, ending: Ending, lanes: Sequence[str] = ()) -> Claimed | None:
        """End a claim, now or when Redis is back; see `Queue.finish`.

        An ending that was set before wins. lanes: claim the next job from these, in the same step,
        and return it. A Redis that answers with an error (its disk is full, say) is waited for like
        one that is away: how a job ended must not be lost with it.
        """
        try:
            return self._finish(tag, ending, lanes)
        except redis.RedisError as error:
            self._complaints.say(log.warning, "Waiting for Redis: %s", error)
            # the first one: what has ended is not given back because nobody runs it any more
            self._pending.setdefault(tag, ending)
            return None

    def acknowledge_pending(self) -> None:
        """Acknowledge again what Redis has not answered.

        Raises:
            redis.RedisError: Redis is away, or refused one; the others are acknowledged.
        """
        refused: redis.RedisError | None = None
        for tag, ending in self._pending.copy().items():
            try:
                self._finish(tag, ending)
            except (redis.ConnectionError, redis.TimeoutError):
                raise
            except redis.RedisError as error:
                refused = error
            else:
                self._pending.pop(tag, None)
        if refused:
            raise refused

    def _finish(self, tag: str, ending: Ending, lanes: Sequence[str] = ()) -> Claimed | None:
        held = self.holding.get(tag)
        if held is None:
            return None
        chosen = held.ending or self._pending.get(tag, ending)
        next_for = (self.lease.worker, lanes) if lanes and not self.draining else None
        try:
            ended = self.queue.finish(held.claim, *chosen, next_for=next_for)
        except Exception as error:
            if passes(error):
                raise
            # it would fail each time, here and in every other worker: the job ends without it
            log.exception("The acknowledgement of the job %s can't be sent", held.claim.id)
            done = chosen.how is Disposition.DONE
            chosen = Ending(Disposition.DONE if done else Disposition.DEAD, reason_of(error))
            ended = self.queue.finish(held.claim, *chosen, next_for=next_for)
        self.holding.end(tag)
        passed(_STEP_OF.get(chosen.how, "acknowledged"))
        if chosen.how is Disposition.LOST:
            self.tell_given_up([held.claim.id])
        return ended.following

    def tell_given_up(self, job_ids: list[str]) -> None:
        """Tell of those among the jobs that were rescued too often; raises redis.RedisError."""
        if self.given_up is not None:
            for message in self.queue.given_up(job_ids):
                self.given_up(message)

    def check(self, tag: str) -> None:
        """Call before a side effect: raises LeaseLost when the job is not ours any more."""
        held = self.holding.get(tag)
        if held is None:
            raise LeaseLost("the claim has ended already")
        while True:
            try:
                return self.lease.check(held.claim.worker)
            except redis.RedisError as error:
                if self.closing:
                    raise LeaseLost("Redis is away and the worker stops") from None
                self._complaints.say(log.warning, "Waiting for Redis: %s", error)
                time.sleep(PAUSE)

    def held(self) -> dict[str, Claim]:
        """What is held, by delivery tag."""
        return self.holding.claims()

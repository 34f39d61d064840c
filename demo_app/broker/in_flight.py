"""The jobs in flight in this process: what it has claimed, and how each claim ends.

They outlive Celery's connections. When Redis goes away, Celery drops its channels. A job that ends
meanwhile is acknowledged from here, when Redis is back.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress

import redis

from . import heartbeat
from .claim import Claim, Claimed, Ending, Verdict
from .complaints import Complaints
from .consumer import Consumer
from .holding import Holding
from .keys import lanes_of
from .lease import Lease, LeaseLost
from .queue import Queue
from .rescuer import Rescuer
from .steps import passed

log = logging.getLogger(__name__)

#: Rounds of the heartbeat between two looks for what nobody runs.
_LOOK_EVERY = 4
#: Seconds between tries while Redis is away.
PAUSE = 0.2
#: Seconds that an acknowledgement still waits for Redis when the worker has been told to stop.
LAST_WAIT = 5.0


class InFlight:
    """See the module; one object for each broker that a process has."""

    #: The script that claims; an experiment may have another.
    claim_script = "claim"

    def __init__(self, queue: Queue) -> None:
        self.queue, self.options = queue, queue.options
        self.lease = self.make_lease({})
        self.holding = Holding()
        self.rescuer = Rescuer(queue)
        self.heartbeat = heartbeat.Heartbeat(
            self.options.heartbeat_seconds, self.steps, self._hurry
        )
        self._rounds = 0
        self._said_to_wait: set[str] = set()  # ids, by the last heartbeat
        self._queues: dict[str, None] = {}  # a set that keeps its order
        self._pending: dict[str, Ending] = {}  # acknowledgements that Redis has not answered
        self._lock = threading.Lock()
        self._complaints = Complaints()
        #: What runs the jobs that are claimed here.
        self.consumer = Consumer()
        #: This process claims; one that only puts jobs in does not.
        self.working = False
        #: No further job is claimed; what is held goes on.
        self.draining = False
        self.closing = False

    def work(self, queues: Iterable[str], **info: object) -> None:
        """Become a worker, if this process is not one yet, and claim from these queues too.

        info: what the worker says of itself beside its pid and host.
        """
        with self._lock:
            self._queues |= dict.fromkeys(queues)
            begins, self.working = not self.working, True
        if begins:
            self.lease = self.make_lease(info)
            self.heartbeat.start()

    @property
    def lanes(self) -> tuple[str, ...]:
        """What is claimed from, the most urgent first."""
        return lanes_of(*self._queues)

    def make_lease(self, info: dict[str, object]) -> Lease:
        """The lease of this worker."""
        return Lease(self.queue, self.options.lease_seconds, info)

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

    def set_ending(self, tag: str, ending: Ending) -> None:
        """Say how the claim is to end when Celery acknowledges it."""
        held = self.holding.get(tag)
        if held is not None:
            held.ending = ending

    def finish(self, tag: str, ending: Ending, lanes: Sequence[str] = ()) -> Claimed | None:
        """End a claim, waiting for Redis as long as the worker is to live; see `Queue.finish`.

        An ending that was set before wins. lanes: claim the next job from these, in the same step,
        and return it. A Redis that answers with an error (its disk is full, say) is waited for like
        one that is away: how a job ended must not be lost with it.
        """
        last_try = math.inf
        while True:
            try:
                return self._finish(tag, ending, lanes)
            except redis.RedisError as error:
                if self.consumer.is_stopping():
                    last_try = min(last_try, time.monotonic() + LAST_WAIT)
                if self.closing or time.monotonic() > last_try:
                    log.warning("A job ends unacknowledged and will be rescued: %s", error)
                    return None
                self._complaints.say(log.warning, "Waiting for Redis: %s", error)
                time.sleep(PAUSE)

    def finish_soon(self, tag: str, ending: Ending, lanes: Sequence[str] = ()) -> Claimed | None:
        """The same, now or when Redis is back; for the thread that must not wait."""
        try:
            return self._finish(tag, ending, lanes)
        except redis.RedisError as error:
            self._complaints.say(log.warning, "Waiting for Redis: %s", error)
            with self._lock:
                self._pending[tag] = ending
            return None

    def acknowledge_pending(self) -> None:
        """Acknowledge again what Redis has not answered; raises redis.RedisError."""
        for tag, ending in list(self._pending.items()):
            self._finish(tag, ending)
            with self._lock:
                self._pending.pop(tag, None)

    def _finish(self, tag: str, ending: Ending, lanes: Sequence[str] = ()) -> Claimed | None:
        held = self.holding.get(tag)
        if held is None:
            return None
        chosen = held.ending or ending
        ended = self.queue.finish(
            held.claim,
            chosen.verdict,
            detail=chosen.detail,
            after=chosen.after,
            message=chosen.message,
            needs=chosen.needs,
            next_for=(self.lease.worker, lanes) if lanes and not self.draining else None,
        )
        self.holding.end(tag)
        passed(_STEP_OF.get(chosen.verdict, "acknowledged"))
        if chosen.verdict is Verdict.LOST:
            self.tell_given_up([held.claim.id])
        return ended.following

    def tell_given_up(self, job_ids: list[str]) -> None:
        """Tell of those among the jobs that were rescued too often; raises redis.RedisError."""
        for message in self.queue.given_up(job_ids):
            self.consumer.given_up(message)

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

    def steps(self) -> list[heartbeat.Step]:
        """What the heartbeat does in its next round."""
        # keeps: ends
        steps = [self._renew, self.acknowledge_pending, self.rescue, self._promote_due]
        self._rounds += 1
        if self._rounds % _LOOK_EVERY == 0:
            steps += [self.give_back_unanswered, self.give_back_forgotten]
        return steps

    def _hurry(self) -> None:
        # so that the heartbeat has time for another try before the lease runs out
        self.queue.scripts.hurry(self.options.lease_seconds / 3)

    def _renew(self) -> None:
        waiting: set[str] = set()
        try:
            waiting = self._waiting()
        finally:
            self._said_to_wait = waiting
            if not self.lease.renew(waiting):
                log.warning("Taken for dead meanwhile; going on as %s", self.lease.worker)
        if begun := waiting - self._waiting():  # while it was said that they wait
            self.queue.begin(self.lease.worker, begun)

    def _waiting(self) -> set[str]:
        """The ids of what is held here and has not begun."""
        tags = self.consumer.waiting_tags()
        return {claim.id for tag, claim in self.held().items() if tag in tags}

    def rescue(self) -> float | None:
        """Give back what dead workers held; returns the seconds until the next look, when that may
        find somebody dead."""
        self.tell_given_up(self.rescuer.rescue(self.lease))
        return self.rescuer.next_look

    def _promote_due(self) -> float | None:
        moved, soonest = self.queue.promote_due(self.lease.worker)
        if moved:
            passed("due_moved")
        return None if soonest is None else max(0.01, soonest)

    def give_back_unanswered(self) -> None:
        """Give back what was claimed over a connection that broke before the answer came."""
        known = self.queue.held_by(self.lease.worker, self.lanes)
        lost = self.holding.refuse_unanswered(known)
        for claim in lost:
            self.queue.finish(claim, Verdict.REQUEUE, detail="the claim's answer was lost")
        if lost:
            log.warning("Gave back jobs whose claim was never answered")

    def give_back_forgotten(self) -> None:
        """Give back what Celery has dropped when its connection broke (see `holding`)."""
        lost = self.holding.forgotten()
        for tag in lost:  # the newest first: so the oldest comes to the very head
            self.finish_soon(tag, Ending(Verdict.REQUEUE, "the connection broke before it ran"))
        if lost:
            log.warning("Gave back jobs that waited here when the connection broke")

    def leave(self) -> None:
        """Give back what is still held, to the head of the queue, and deregister.

        When Redis can't be reached, what is held stays on this worker's list: it falls silent, and
        is rescued one lease later.
        """
        self.draining = self.closing = True
        self.heartbeat.stop()
        self.holding.clear()  # a job that still runs must not begin a side effect now
        try:
            self.lease.end()
        except redis.RedisError as error:
            log.warning("Could not deregister; others will find out: %s", error)


_STEP_OF = {Verdict.RETRY: "retry_scheduled", Verdict.DEAD: "died"}

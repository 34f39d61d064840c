"""What keeps the jobs in flight in this process: its lease, its heartbeat, and how it leaves.

They outlive Celery's connections. When Redis goes away, Celery drops its channels. A job that ends
meanwhile is acknowledged from here, when Redis is back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable

import redis

from . import heartbeat
from .acknowledging import PAUSE, Acknowledging
from .claim import Disposition, Ending
from .events import State
from .keys import lanes_of
from .lease import Lease
from .queue import Queue
from .steps import passed

log = logging.getLogger(__name__)

#: Rounds of the heartbeat between two looks for what nobody runs.
_LOOK_EVERY = 4
#: Seconds that a worker which leaves still waits for a Redis that is to hear how its jobs ended.
_LAST_WAIT = 5.0


class InFlight(Acknowledging):
    """See the module; one object for each broker that a process has."""

    #: The script that claims; an experiment may have another.
    claim_script = "claim"

    def __init__(self, queue: Queue) -> None:
        super().__init__(queue, self.make_lease(queue, {}))
        self.heartbeat = heartbeat.Heartbeat(
            self.options.heartbeat_seconds, self.steps, queue.scripts.together, self._hurry
        )
        self._rounds = 0
        self._cut_off, self._connected_at = False, 0.0  # the latter by the monotonic clock
        self._queues: dict[str, None] = {}  # a set that keeps its order
        self._beginning = threading.Lock()
        #: This process claims; one that only puts jobs in does not.
        self.working = False

    def work(self, queues: Iterable[str], **info: object) -> None:
        """Become a worker, if this process is not one yet, and claim from these queues too.

        info: what the worker says of itself beside its pid and host.
        """
        with self._beginning:
            self._queues |= dict.fromkeys(queues)
            begins, self.working = not self.working, True
        if begins:
            self.lease = self.make_lease(self.queue, info)
            self.heartbeat.start()

    @property
    def lanes(self) -> tuple[str, ...]:
        """What is claimed from, the most urgent first."""
        return lanes_of(*self._queues)

    def make_lease(self, queue: Queue, info: dict[str, object]) -> Lease:
        """The lease of this worker."""
        return Lease(queue, queue.options.lease_seconds, info)

    def steps(self) -> dict[str, heartbeat.Step]:
        """What the heartbeat does in its next round, by name."""
        steps = {
            "renew": self._renew(),
            "acknowledge_pending": heartbeat.alone(self.acknowledge_pending),  # keeps: ends
            "rescue": self.rescue(),
            "promote_due": self._promote_due(),
        }
        self._rounds += 1
        if self._rounds % _LOOK_EVERY == 0:
            steps["give_back_unanswered"] = self.give_back_unanswered()
            steps["give_back_forgotten"] = heartbeat.alone(self.give_back_forgotten)
        return steps

    def _hurry(self) -> None:
        # so that the heartbeat has time for another try before the lease runs out
        self.queue.scripts.hurry(self.options.lease_seconds / 3)

    def _renew(self) -> heartbeat.Step:
        waiting: set[str] = set()
        try:
            waiting = self._waiting()
        finally:
            self._said_to_wait = waiting
            yield from self._renew_lease(waiting)
        return None

    def _renew_lease(self, waiting: set[str]) -> heartbeat.Step:
        try:
            if not (yield from self.lease.renewing(waiting)):
                log.warning("Taken for dead meanwhile; going on as %s", self.lease.worker)
        except redis.ResponseError as error:
            # a log that could not be synced: Redis tries it again when there is something to
            # write, and refuses everything that would be; a new log ends that, on a whole disk
            if "the AOF file" in f"{error}" and self._rounds % (8 * _LOOK_EVERY) == 0:
                self.queue.client.bgrewriteaof()
            raise
        return None

    def _waiting(self) -> set[str]:
        """The ids of what is held here and has not begun."""
        tags = self.waiting_tags()
        return {claim.id for tag, claim in self.held().items() if tag in tags}

    def rescue(self) -> heartbeat.Step:
        """Give back what dead workers held, as every worker does: none is special.

        Returns the seconds until the next look, when that may find somebody dead: by then every
        living worker has given a sign. Raises redis.RedisError.
        """
        if self._cut_off:
            # Who was cut off from Redis can't tell a dead worker from one that was cut off too.
            self._cut_off, self._connected_at = False, time.monotonic()
        beat = min(self.options.heartbeat_seconds, self.options.lease_seconds / 4)
        try:
            rescued = yield from self.queue.rescuing(
                self.lease.worker,
                self.lease.milliseconds,
                self.options.max_rescues,
                beat_ms=int(1000 * beat),
                connected=time.monotonic() - self._connected_at,
            )
        except redis.RedisError:
            self._cut_off = True
            raise
        if rescued:
            passed("rescue_moved")
            log.warning("Rescued %d jobs of dead workers", len(rescued))
            self.tell_given_up(rescued)
        return beat if self.queue.suspected else None

    def _promote_due(self) -> heartbeat.Step:
        moved, soonest = yield from self.queue.promoting(self.lease.worker)
        if moved:
            passed("due_moved")
        return None if soonest is None else max(0.01, soonest)

    def give_back_unanswered(self) -> heartbeat.Step:
        """Give back what was claimed over a connection that broke before the answer came.

        A job with which that happens again and again is dead: its message may be too large.
        """
        known = yield from self.queue.holding(self.lease.worker, self.lanes)
        lost = self.holding.refuse_unanswered(known)
        for claim in sorted(lost, key=lambda one: int(one.number), reverse=True):
            self.queue.finish(claim, Disposition.UNANSWERED)  # so the oldest comes to the very head
        if lost:
            log.warning("Gave back jobs whose claim was never answered")
            states = self.queue.states([claim.id for claim in lost])
            if dead := [job_id for job_id, state in states.items() if state == State.DEAD]:
                log.error("Gave up jobs whose claims were never answered: %s", ", ".join(dead))
        return None

    def give_back_forgotten(self) -> None:
        """Give back what Celery has dropped when its connection broke (see `holding`)."""
        lost = self.holding.forgotten()
        for tag in lost:  # the newest first: so the oldest comes to the very head
            self.finish(tag, Ending(Disposition.REQUEUE, "the connection broke before it ran"))
        if lost:
            log.warning("Gave back jobs that waited here when the connection broke")

    def _acknowledge_at_last(self) -> None:
        deadline = time.monotonic() + _LAST_WAIT
        while self._pending and time.monotonic() < deadline:
            try:
                self.acknowledge_pending()
            except redis.RedisError as error:
                self._complaints.say(log.warning, "Waiting for Redis: %s", error)
                time.sleep(PAUSE)

    def leave(self) -> None:
        """Give back what is still held, to the head of the queue, and deregister.

        When Redis can't be reached, what is held stays on this worker's list: it falls silent, and
        is rescued one lease later.
        """
        self.draining = self.closing = True
        self.heartbeat.stop()
        self._acknowledge_at_last()
        self.holding.clear()  # a job that still runs must not begin a side effect now
        try:
            self.lease.end()
        except redis.RedisError as error:
            log.warning("Could not deregister; others will find out: %s", error)

"""The jobs in flight in this process: its claims, its lease, its heartbeat, and its shutdown.

These jobs outlive Celery's connections. When Redis does not answer, Celery drops its channels. A
job that ends meanwhile is acknowledged by this module as soon as Redis answers.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import redis

from .claim import Claim, Claimed, Disposition, Ending
from .error_kinds import is_temporary, reason_of
from .heartbeat import Heartbeat, Step, without_script
from .held import Held, HeldClaims
from .keys import lists_of
from .lease import Lease, LeaseLost
from .queue import Queue
from .steps import passed
from .throttled_log import ThrottledLog

log = logging.getLogger(__name__)

#: Seconds between tries while Redis does not answer.
PAUSE = 0.2
#: After this number of heartbeats, search for claims to give back: claims whose replies were lost,
#: and jobs that Celery dropped when its connection broke.
_LOOK_EVERY = 4
#: Seconds that a worker waits for Redis at its shutdown, to acknowledge its last jobs.
_LAST_WAIT = 5.0
_STEP_OF = {Disposition.RETRY: "retry_scheduled", Disposition.DEAD: "died"}


class InFlight:
    """The jobs in flight of one process at one broker.

    Args:
        queue: the broker's queue.
        waiting_tags: returns the delivery tags of the received messages whose jobs have not begun.
        on_dead: is called with the messages of jobs that are dead because they kept killing their
            workers, or could not be received.
    """

    #: The script that claims; an experiment may replace it.
    claim_script = "claim"

    def __init__(
        self,
        queue: Queue,
        waiting_tags: Callable[[], set[str]] = set,
        on_dead: Callable[[list[str]], object] | None = None,
    ) -> None:
        self.queue, self.options = queue, queue.options
        self._waiting_tags, self._on_dead = waiting_tags, on_dead
        self.claims = HeldClaims()
        self._waiting_in_redis: set[str] = set()  # waiting jobs' ids in the last heartbeat
        self._pending: dict[str, Ending] = {}  # acknowledgements without a reply, by tag
        self._unreported: list[str] = []  # ids for `report_dead`
        self._throttled = ThrottledLog()
        #: True if no further job is claimed. Claimed jobs go on.
        self.draining = False
        self.closing = False
        self.lease = self.make_lease({})
        # a short timeout, so that the heartbeat can try again before the lease expires
        begin = partial(queue.scripts.use_own_connection, self.options.lease_seconds / 3)
        seconds = self.options.heartbeat_seconds
        self.heartbeat = Heartbeat(seconds, self.steps, queue.scripts.together, begin)
        self._rounds = 0
        # _connected_at: the time of the first rescue after a failed one (monotonic clock)
        self._last_rescue_failed, self._connected_at = False, 0.0
        self._queues: dict[str, None] = {}  # an ordered set
        self._beginning = threading.Lock()
        #: True in a process that claims jobs; a producer only enqueues them.
        self.working = False

    def track(self, claimed: Claimed) -> str | None:
        """Hold a claim, and return its delivery tag.

        Returns None if the claim's reply arrived so late that the job was given back meanwhile.
        """
        tag = self.claims.take(claimed)
        if tag is not None:
            passed("claimed")
        return tag

    def message(self, tag: str) -> str:
        """Return the message with this delivery tag, as its producer wrote it.

        Raises:
            LeaseLost: the claim of this message has ended.
        """
        return self._held(tag).message

    def _held(self, tag: str) -> Held:
        held = self.claims.get(tag)
        if held is None:
            raise LeaseLost("the claim has ended already")
        return held

    def begins(self, tag: str) -> None:
        """Record that the job begins: if this worker dies now, the job may be the cause.

        A command is sent only if a heartbeat has listed the job as waiting.
        """
        held = self.claims.get(tag)
        if held is not None and held.claim.id in self._waiting_in_redis:
            with suppress(redis.RedisError):  # the next heartbeat corrects the list in Redis
                self.queue.begin(held.claim.worker, [held.claim.id])

    def set_ending(self, tag: str, ending: Ending, *, only_if_unset: bool = False) -> None:
        """Set the ending that the claim will have when Celery acknowledges the message."""
        held = self.claims.get(tag)
        if held is not None and not (only_if_unset and held.ending):
            held.ending = ending

    def finish(self, tag: str, ending: Ending, lists: Sequence[str] = ()) -> Claimed | None:
        """End a claim, now or as soon as Redis answers; see `Queue.finish`.

        An acknowledgement that Redis refuses (because its disk is full, for example) is kept and
        sent again later.

        Args:
            tag: the delivery tag of the claim.
            ending: ignored if `set_ending` has set an ending, or if an ending is pending.
            lists: the lists from which to claim the next job in the same step.

        Returns:
            The next job; None if there is none, or if the acknowledgement is pending.
        """
        try:
            return self._finish(tag, ending, lists)
        except redis.RedisError as error:
            self._throttled.log(log.warning, "Waiting for Redis: %s", error)
            # only the first ending counts: a job that has ended must not be requeued later
            self._pending.setdefault(tag, ending)
            return None

    def acknowledge_pending(self) -> None:
        """Send the pending acknowledgements again.

        Raises:
            redis.RedisError: Redis does not answer, or has refused an acknowledgement. After a
                refusal, the other acknowledgements are still sent.
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

    def _finish(self, tag: str, ending: Ending, lists: Sequence[str] = ()) -> Claimed | None:
        held = self.claims.get(tag)
        if held is None:
            return None
        chosen = held.ending or self._pending.get(tag, ending)
        next_for = (self.lease.worker, lists) if lists and not self.draining else None
        try:
            ended = self.queue.finish(held.claim, *chosen, next_for=next_for)
        except Exception as error:
            if is_temporary(error):
                raise
            # the same acknowledgement would fail in every worker: send the error as the detail
            log.exception("The acknowledgement of the job %s can't be sent", held.claim.id)
            done = chosen.how is Disposition.DONE
            chosen = Ending(Disposition.DONE if done else Disposition.DEAD, reason_of(error))
            ended = self.queue.finish(held.claim, *chosen, next_for=next_for)
        self.claims.end(tag)
        passed(_STEP_OF.get(chosen.how, "acknowledged"))
        if chosen.how is Disposition.LOST:
            self.report_dead([held.claim.id])
        return ended.following

    def report_dead(self, job_ids: Iterable[str] = ()) -> None:
        """Call `on_dead` with the messages of the dead jobs among these jobs.

        If Redis does not answer, the next call includes these jobs. `rescue` calls this method in
        each heartbeat.
        """
        if self._on_dead is None:
            return
        ids = [*job_ids]
        with suppress(IndexError):
            while True:
                ids.append(self._unreported.pop())
        try:
            dead = self.queue.dead_messages(ids)
        except redis.RedisError as error:
            self._throttled.log(log.warning, "Waiting for Redis: %s", error)
            # retry only without a reply: a server that refuses would refuse again
            if isinstance(error, redis.ConnectionError | redis.TimeoutError):
                self._unreported.extend(ids)
            return
        if dead:
            self._on_dead(dead)

    def check(self, tag: str) -> None:
        """Raise LeaseLost if another worker may have the job. Call this before a side effect.

        If the lease may have expired, wait until Redis answers.

        Raises:
            LeaseLost: the claim has ended, or Redis does not answer while this worker shuts down.
        """
        worker = self._held(tag).claim.worker
        while True:
            try:
                return self.lease.check(worker)
            except redis.RedisError as error:
                if self.closing:
                    raise LeaseLost("Redis can't be reached, and the worker is stopping") from None
                self._throttled.log(log.warning, "Waiting for Redis: %s", error)
                time.sleep(PAUSE)

    def held(self) -> dict[str, Claim]:
        return self.claims.claims()

    def work(self, queues: Iterable[str], **info: object) -> None:
        """Add queues from which this worker claims.

        The first call makes this process a worker: it starts the heartbeat, and the heartbeat's
        first round registers the worker.

        Args:
            info: further facts about the worker, for pages and reports; used by the first call.
        """
        with self._beginning:
            self._queues |= dict.fromkeys(queues)
            begins, self.working = not self.working, True
        if begins:
            self.lease = self.make_lease(info)
            self.heartbeat.start()

    @property
    def lists(self) -> tuple[str, ...]:
        return lists_of(*self._queues)

    def make_lease(self, info: dict[str, object]) -> Lease:
        return Lease(self.queue, self.options.lease_seconds, info)

    def steps(self) -> dict[str, Callable[[], Step]]:
        steps: dict[str, Callable[[], Step]] = {
            "renew": self._renew,
            "acknowledge_pending": without_script(self.acknowledge_pending),  # keeps: ends
            "rescue": self.rescue,
            "promote_due": self._promote_due,
        }
        self._rounds += 1
        if self._rounds % _LOOK_EVERY == 0:
            steps["give_back_unanswered"] = self.give_back_unanswered
            steps["give_back_forgotten"] = without_script(self.give_back_forgotten)
        return steps

    def _renew(self) -> Step:
        failed: Exception | None = None
        self._waiting_in_redis = set()
        try:
            tags = self._waiting_tags()
            self._waiting_in_redis = {claim.id for tag, claim in self.held().items() if tag in tags}
        except Exception as error:  # raised again after the renewal
            failed = error
        renewal = self.lease.renew(self._waiting_in_redis)

        def handle(reply: Any) -> None:
            try:
                if not renewal.result(reply):
                    name = self.lease.worker
                    log.warning("This worker was declared dead; it continues as %s", name)
            except redis.ResponseError as error:
                # The append-only file could not be synced. Redis repeats the sync only at a write,
                # and refuses writes until a sync succeeds. Rewriting the file ends the deadlock.
                if "the AOF file" in f"{error}" and self._rounds % (8 * _LOOK_EVERY) == 0:
                    self.queue.client.bgrewriteaof()
                raise
            if failed:
                raise failed

        return Step(renewal.call, handle)

    def _rewrite_log(self, refused: int) -> None:
        """Let Redis rewrite its append-only file after failed writes.

        After a failed write Redis truncates the file. But if a rewrite has created the file, Redis
        has opened it without O_APPEND. Then the next write begins behind the new end of the file
        and leaves a gap. With the gap, Redis could not load the file at its next start. A further
        rewrite creates a new file.

        Args:
            refused: the number of refused writes that Redis has counted. This number is stored in
                Redis, so that the same writes do not cause another rewrite.
        """
        try:
            self.queue.client.bgrewriteaof()
        except redis.ResponseError as error:
            # Retry later: a running rewrite may have begun before the failed write, or there is no
            # memory for a fork. But do not retry if the server never allows this command.
            forbidden = isinstance(error, redis.exceptions.NoPermissionError)
            if not forbidden and "unknown" not in f"{error}":
                return
        self.queue.client.hset(self.queue.keys("server"), "refused", str(refused))

    def rescue(self) -> Step:
        """Return the step that gives back the jobs of dead workers. Every worker runs it.

        If a worker may be dead, the next round comes one heartbeat later: by then every living
        worker has renewed its lease.
        """
        if self._last_rescue_failed:
            # other workers may have been disconnected too: their expired leases prove nothing
            self._last_rescue_failed, self._connected_at = False, time.monotonic()
        beat = min(self.options.heartbeat_seconds, self.options.lease_seconds / 4)
        look = self.queue.rescue(
            self.lease.worker,
            self.lease.milliseconds,
            self.options.max_rescues,
            beat_ms=int(1000 * beat),
            connected=time.monotonic() - self._connected_at,
        )

        def handle(reply: Any) -> float | None:
            try:
                rescued = look.result(reply)
            except redis.RedisError:
                self._last_rescue_failed = True
                raise
            if self.queue.refused_writes:
                self._rewrite_log(self.queue.refused_writes)
            if rescued:
                passed("rescue_moved")
                log.warning("Rescued %d jobs of dead workers", len(rescued))
            self.report_dead(rescued)
            return beat if self.queue.suspected else None

        return Step(look.call, handle)

    def _promote_due(self) -> Step:
        promotion = self.queue.promote_due(self.lease.worker)

        def handle(reply: Any) -> float | None:
            moved, soonest = promotion.result(reply)
            if moved:
                passed("due_moved")
            return None if soonest is None else max(0.01, soonest)

        return Step(promotion.call, handle)

    def give_back_unanswered(self) -> Step:
        """Return the step that gives back claims if their replies were lost with a connection.

        If replies with a job are lost five times in a row, the job becomes dead: its message may be
        too large.
        """
        reading = self.queue.held_by(self.lease.worker, self.lists)

        def handle(reply: Any) -> None:
            lost = self.claims.refuse_unanswered(reading.result(reply))
            # begin with the newest claim, so that the oldest job ends up at the head
            for claim in sorted(lost, key=lambda one: int(one.number), reverse=True):
                self.queue.finish(claim, Disposition.UNANSWERED)
            if lost:
                log.warning(
                    "Returned jobs to their queues: the replies to their claims never arrived"
                )
                self.report_dead([claim.id for claim in lost])

        return Step(reading.call, handle)

    def give_back_forgotten(self) -> None:
        """Give back jobs that Celery dropped when its connection broke (see `held`)."""
        lost = self.claims.forgotten()
        for tag in lost:  # begins with the newest, so that the oldest ends up at the head
            self.finish(tag, Ending(Disposition.REQUEUE, "the connection broke before it ran"))
        if lost:
            log.warning("Returned prefetched jobs to their queues: the connection broke")

    def leave(self) -> None:
        """Shut down: acknowledge ended jobs, requeue all other jobs, and deregister the worker.

        If Redis does not answer within some seconds, the jobs stay among this worker's claims, and
        are rescued when its lease has expired.
        """
        self.draining = self.closing = True
        self.heartbeat.stop()
        deadline = time.monotonic() + _LAST_WAIT
        while self._pending and time.monotonic() < deadline:
            try:
                self.acknowledge_pending()
            except redis.RedisError as error:
                self._throttled.log(log.warning, "Waiting for Redis: %s", error)
                time.sleep(PAUSE)
        self.report_dead()
        self.claims.clear()  # `check` now fails for jobs that still run
        try:
            self.lease.end()
        except redis.RedisError as error:
            log.warning("Could not deregister; other workers will rescue its jobs: %s", error)

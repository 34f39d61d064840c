"""The heartbeat: a thread of every worker that renews its lease and looks after everyone's jobs.

Twice a second: renew, acknowledge what could not be acknowledged, rescue what dead workers held,
promote what is due, give back orphans. No worker is special, so there is no master to lose.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import redis

from demo_app.failpoints import Step, hit

if TYPE_CHECKING:
    from demo_app.broker.in_flight import InFlight

log = logging.getLogger(__name__)

#: Rounds between two looks for orphans among our own claims.
RECONCILE_EVERY = 4


class Heartbeat:
    """See the module."""

    def __init__(self, in_flight: InFlight) -> None:
        self._in_flight, self._options = in_flight, in_flight.options
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._cut_off = False
        self._judging_from = 0.0
        self._rounds = 0
        self._soonest: float | None = None

    def start(self) -> None:
        """Register, rescue what others left, and go on from there.

        While Redis can't be reached, the thread goes on trying.
        """
        self.round()
        self._thread.start()

    def stop(self) -> None:
        """Stop; the round at hand ends first."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)

    def round(self) -> float:
        """One round; returns the seconds until the next one.

        Each step stands for itself: one that fails does not end the others, and says so.
        """
        steps = [self._renew, self._in_flight.acknowledge_pending, self.rescue, self._promote_due]
        self._rounds += 1
        if self._rounds % RECONCILE_EVERY == 0:
            steps.append(self._reconcile)
        failed = [step for step in steps if not self._try(step)]
        pause = self._options.heartbeat_seconds
        if failed:
            return min(0.2, pause)
        return pause if self._soonest is None else min(pause, max(0.01, self._soonest))

    def _renew(self) -> None:
        lease = self._in_flight.lease
        if not lease.renew():
            log.warning("Taken for dead meanwhile; going on as %s", lease.worker)

    def rescue(self) -> None:
        """Give back what dead workers held."""
        if self._cut_off:
            # Who was cut off from Redis can't tell a dead worker from one that was cut off too.
            self._cut_off = False
            self._judging_from = time.monotonic() + self._options.lease_seconds
        lease, queue = self._in_flight.lease, self._in_flight.queue
        # looks even when it may not judge: Redis notes with the first look when it was started
        found = queue.dead_workers(lease.worker, lease.milliseconds)
        if not found or time.monotonic() < self._judging_from:
            return
        hit(Step.RESCUE_FOUND)
        # judges anew: in between they may have come back, or another rescuer may have been here
        rescued = queue.rescue(lease.worker, lease.milliseconds, self._options.max_rescues)
        hit(Step.RESCUE_MOVED)
        if rescued:
            log.warning("Rescued %d jobs of dead workers", len(rescued))
            self._in_flight.tell_given_up(rescued)

    def _promote_due(self) -> None:
        moved, self._soonest = self._in_flight.queue.promote_due(self._in_flight.lease.worker)
        if moved:
            hit(Step.DUE_MOVED)

    def _reconcile(self) -> None:
        if self._in_flight.reconcile():
            log.warning("Gave back jobs whose claim was never answered")
        if self._in_flight.give_back_dropped():
            log.warning("Gave back jobs that waited here when the connection broke")

    def _run(self) -> None:
        pause = self._options.heartbeat_seconds
        while not self._stopped.wait(pause):
            pause = self.round()

    def _try(self, step: Callable[[], object]) -> bool:
        """Do one step; returns whether Redis could be reached."""
        try:
            step()
        except redis.ConnectionError as error:  # a timeout as well
            log.debug("Redis is away: %s", error)
            self._cut_off = True
            return False
        except redis.TimeoutError as error:
            log.debug("Redis does not answer: %s", error)
            self._cut_off = True
            return False
        except redis.RedisError as error:  # a user without a right, a full disk
            log.warning("Redis refuses: %s", error)
            self._cut_off = True  # others may have been refused as well
            return False
        except Exception:
            # a heartbeat that ends would make a live worker look dead
            log.exception("A step of the heartbeat failed; it goes on")
        return True

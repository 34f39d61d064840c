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

from demo_app.broker.complaints import Complaints
from demo_app.broker.orphans import Orphans
from demo_app.failpoints import Step, hit

if TYPE_CHECKING:
    from demo_app.broker.in_flight import InFlight

log = logging.getLogger(__name__)

#: Rounds between two looks for orphans.
ORPHANS_EVERY = 4


class Heartbeat:
    """See the module."""

    def __init__(self, in_flight: InFlight) -> None:
        self._in_flight, self._options = in_flight, in_flight.options
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._orphans = Orphans(in_flight)
        self._cut_off = False
        self._judging_from = 0.0
        self._rounds = 0
        self._soonest: float | None = None
        self._waiting: list[str] = []
        self._suspects, self._pause = False, 0.0
        self._complaints = Complaints()

    def start(self) -> None:
        """Register, rescue what others left, and go on from there.

        While Redis can't be reached, the thread goes on trying.
        """
        self._pause = self.round()
        if self._suspects:  # what a dead worker held comes before the jobs behind it
            self._stopped.wait(self._pause)
            self._pause = self.round()
        self._thread.start()

    def stop(self) -> None:
        """Stop; the round at hand ends first."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)

    def round(self) -> float:
        """One round; returns the seconds until the next one.

        A step that fails does not end the others, and says so.
        """
        steps = [
            self._see_what_waits,
            self._renew,
            self._in_flight.acknowledge_pending,
            self.rescue,
            self._promote_due,
        ]
        self._rounds += 1
        if self._rounds % ORPHANS_EVERY == 0:
            steps += [self._orphans.give_back_unanswered, self._orphans.give_back_dropped]
        failed = [step for step in steps if not self._try(step)]
        pause = self._options.heartbeat_seconds
        if failed:
            return min(0.2, pause)
        if self._suspects:
            pause = min(pause, self._beat)
        return pause if self._soonest is None else min(pause, max(0.01, self._soonest))

    @property
    def _beat(self) -> float:
        """Seconds in which every living worker has given a sign."""
        return min(self._options.heartbeat_seconds, self._options.lease_seconds / 4)

    def _see_what_waits(self) -> None:
        self._waiting = []
        tags, held = self._in_flight.consumer.waiting_tags(), self._in_flight.held()
        self._waiting = [claim.id for tag, claim in held.items() if tag in tags]

    def _renew(self) -> None:
        lease = self._in_flight.lease
        if not lease.renew(self._waiting):
            log.warning("Taken for dead meanwhile; going on as %s", lease.worker)

    def rescue(self) -> None:
        """Give back what dead workers held."""
        if self._cut_off:
            # Who was cut off from Redis can't tell a dead worker from one that was cut off too.
            self._cut_off = False
            self._judging_from = time.monotonic() + self._options.lease_seconds
        lease, queue = self._in_flight.lease, self._in_flight.queue
        # looks even when it may not judge: Redis notes with the first look when it was started
        judged = {"lease_ms": lease.milliseconds, "beat_ms": int(1000 * self._beat)}
        found, self._suspects = queue.dead_workers(lease.worker, **judged)
        if not found or time.monotonic() < self._judging_from:
            return
        hit(Step.RESCUE_FOUND)
        # judges anew: in between they may have come back, or another rescuer may have been here
        rescued = queue.rescue(lease.worker, most=self._options.max_rescues, **judged)
        hit(Step.RESCUE_MOVED)
        if rescued:
            log.warning("Rescued %d jobs of dead workers", len(rescued))
            self._in_flight.tell_given_up(rescued)

    def _promote_due(self) -> None:
        moved, self._soonest = self._in_flight.queue.promote_due(self._in_flight.lease.worker)
        if moved:
            hit(Step.DUE_MOVED)

    def _run(self) -> None:
        # so that it has time for another try before the lease runs out
        self._in_flight.queue.scripts.hurry(self._options.lease_seconds / 3)
        while not self._stopped.wait(self._pause):
            self._pause = self.round()

    def _try(self, step: Callable[[], object]) -> bool:
        """Do one step; returns whether Redis could be reached."""
        name = step.__name__.strip("_")
        try:
            step()
        except redis.RedisError as error:
            # it is away, or refuses: a user without a right, a full disk; to others perhaps as well
            self._cut_off = True
            away = isinstance(error, redis.ConnectionError | redis.TimeoutError)
            what = "Redis does not answer" if away else "Redis refuses"
            text = f"{what} the heartbeat's step {name}: %s"
            self._complaints.say(log.warning if away else log.error, text, error)
            return False
        except Exception as error:
            # a heartbeat that ends would make a live worker look dead
            text = f"The heartbeat's step {name} failed; the others go on"
            self._complaints.say(log.error, text, exc_info=error)
        return True

"""The keeper: a thread of every worker that renews its lease, and looks after everyone's jobs.

Twice a second: renew, end what runs for too long, rescue what dead workers held, move what is
due. No worker is special, so there is no master to lose.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import redis

from demo_app.broker.in_flight import InFlight
from demo_app.failpoints import Step, hit
from demo_app.settings import Safeguard, Settings
from demo_app.worker.time_limit import Running, TimeLimit

log = logging.getLogger(__name__)

#: Rounds between two audits of our own claims.
AUDIT = 4


class Heartbeat:
    """See the module. on_hang: is called, again and again, with the runs that can't be ended."""

    def __init__(
        self,
        claims: InFlight,
        chosen: Settings,
        limit: TimeLimit,
        on_hang: Callable[[list[Running]], None],
    ) -> None:
        self._claims, self._settings = claims, chosen
        self._limit, self._on_hang = limit, on_hang
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._cut_off = False
        self._judging_from = 0.0
        self._rounds = 0

    def start(self) -> None:
        """Register, rescue what others left, and go on from there.

        While Redis can't be reached, the thread goes on trying.
        """
        self._try(self.round)
        self._thread.start()

    def stop(self) -> None:
        """Stop, and sign the worker off."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)
        self._claims.goodbye()

    def round(self) -> float:
        """One round; returns the seconds until the next one."""
        lease, store = self._claims.lease, self._claims.store
        if not lease.worker:
            lease.take()
        elif not lease.renew():
            log.warning("Taken for dead meanwhile; going on as %s", lease.worker)
        self._rescue()
        moved, soonest = store.move_due(lease.worker)
        if moved:
            hit(Step.DUE_MOVED)
        self._rounds += 1
        if self._rounds % AUDIT == 0 and self._claims.audit():
            log.warning("Gave back jobs whose claim was never answered")
        pause = self._settings.beat_seconds
        return pause if soonest is None else min(pause, max(0.01, soonest))

    def _rescue(self) -> None:
        if self._cut_off:
            # Who was cut off from Redis can't tell a dead worker from one that was cut off too.
            self._cut_off = False
            self._judging_from = time.monotonic() + self._settings.lease_seconds
        if not self._settings.has(Safeguard.RESCUE):
            return
        lease, store = self._claims.lease, self._claims.store
        # looks even when it may not judge: Redis notes with the first look when it was started
        found = store.dead_workers(lease.worker, lease.milliseconds)
        if not found or time.monotonic() < self._judging_from:
            return
        hit(Step.RESCUE_FOUND)
        # judges anew: in between they may have come back, or another rescuer may have been here
        rescued = store.rescue(lease.worker, lease.milliseconds, self._settings.max_rescues)
        hit(Step.RESCUE_MOVED)
        if rescued:
            log.warning("Rescued %d jobs of dead workers", len(rescued))

    def _run(self) -> None:
        pause = self._settings.beat_seconds
        while not self._stopped.wait(pause):
            hung = self._limit.enforce()
            if hung:
                self._on_hang(hung)
            pause = self._try(self.round)

    def _try(self, what: Callable[[], float]) -> float:
        try:
            return what()
        except redis.RedisError as error:
            log.debug("Redis is away: %s", error)
            self._cut_off = True
            return min(0.2, self._settings.beat_seconds)
        except Exception:
            # a keeper that dies would make a live worker look dead
            log.exception("The keeper stumbled and goes on")
            return self._settings.beat_seconds

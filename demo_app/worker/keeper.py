"""The keeper: a thread of every worker that renews its lease, and looks after everyone's jobs.

Twice a second: renew, rescue what dead workers held, move what is due. No worker is special, so
there is no master to lose.
"""

from __future__ import annotations

import logging
import threading

import redis

from demo_app.settings import Safeguard, Settings
from demo_app.steps import Step, passed
from demo_app.worker.claims import Claims

log = logging.getLogger(__name__)


class Keeper:
    """See the module."""

    def __init__(self, claims: Claims, chosen: Settings) -> None:
        self._claims = claims
        self._settings = chosen
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        """Register, rescue what others left, and go on from there.

        Raises redis.RedisError when Redis can't be reached.
        """
        self._claims.lease.take()
        self.round()
        self._thread.start()

    def stop(self) -> None:
        """Stop, and sign the worker off."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)
        self._claims.goodbye()

    def round(self) -> float:
        """One round; returns the seconds until the next one."""
        lease, store = self._claims.lease, self._claims.store
        if not lease.renew():
            log.warning("Taken for dead meanwhile; going on as %s", lease.worker)
        if self._settings.has(Safeguard.RESCUE):
            rescued = store.rescue(lease.worker, lease.milliseconds, self._settings.max_rescues)
            if rescued:
                passed(Step.RESCUE_MOVED)
                log.warning("Rescued %d jobs of dead workers", len(rescued))
        moved, soonest = store.move_due(lease.worker)
        if moved:
            passed(Step.DUE_MOVED)
        pause = self._settings.beat_seconds
        return pause if soonest is None else min(pause, max(0.01, soonest))

    def _run(self) -> None:
        rounds, pause = 0, self._settings.beat_seconds
        while not self._stopped.wait(pause):
            try:
                pause = self.round()
                rounds += 1
                if rounds % 4 == 0 and self._claims.audit():
                    log.warning("Gave back jobs whose claim was never answered")
            except redis.RedisError as error:
                log.debug("Redis is away: %s", error)
                pause = min(0.2, self._settings.beat_seconds)
            except Exception:
                # a keeper that dies would make a live worker look dead
                log.exception("The keeper stumbled and goes on")
                pause = self._settings.beat_seconds

"""The rescuer: every worker looks whether another has died, and gives back what that one held."""

from __future__ import annotations

import logging
import time

import redis

from .lease import Lease
from .queue import Queue
from .steps import passed

log = logging.getLogger(__name__)


class Rescuer:
    """See the module; one worker's."""

    def __init__(self, queue: Queue) -> None:
        self._queue, self._options = queue, queue.options
        self._cut_off = False
        self._connected_at: float | None = None  # again, by the monotonic clock
        #: Somebody may be dead, which a next look can tell.
        self.suspects = False

    @property
    def beat(self) -> float:
        """Seconds in which every living worker has given a sign."""
        return min(self._options.heartbeat_seconds, self._options.lease_seconds / 4)

    def rescue(self, lease: Lease) -> list[str]:
        """Give back what dead workers held; returns the ids. lease: of who looks.

        Raises redis.RedisError.
        """
        try:
            return self._rescue(lease)
        except redis.RedisError:
            self._cut_off = True
            raise

    def _rescue(self, lease: Lease) -> list[str]:
        if self._cut_off:
            # Who was cut off from Redis can't tell a dead worker from one that was cut off too.
            self._cut_off, self._connected_at = False, time.monotonic()
        since = None if self._connected_at is None else time.monotonic() - self._connected_at
        looks = {"lease_ms": lease.milliseconds, "beat_ms": int(1000 * self.beat)}
        found, self.suspects = self._queue.dead_workers(lease.worker, connected=since, **looks)
        if not found:
            return []
        passed("rescue_found")
        # judges anew: in between they may have come back, or another rescuer may have been here
        most = self._options.max_rescues
        rescued = self._queue.rescue(lease.worker, most=most, connected=since, **looks)
        passed("rescue_moved")
        if rescued:
            log.warning("Rescued %d jobs of dead workers", len(rescued))
        return rescued

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

    @property
    def next_look(self) -> float | None:
        """Seconds until the next look, when that may find somebody dead."""
        return self._beat if self._queue.suspected else None

    @property
    def _beat(self) -> float:
        """Seconds in which every living worker has given a sign."""
        return min(self._options.heartbeat_seconds, self._options.lease_seconds / 4)

    def rescue(self, lease: Lease) -> list[str]:
        """Give back what dead workers held; returns the ids. lease: of who looks.

        Raises redis.RedisError.
        """
        if self._cut_off:
            # Who was cut off from Redis can't tell a dead worker from one that was cut off too.
            self._cut_off, self._connected_at = False, time.monotonic()
        try:
            rescued = self._queue.rescue(
                lease.worker,
                lease.milliseconds,
                self._options.max_rescues,
                beat_ms=int(1000 * self._beat),
                connected=self._connected_at and time.monotonic() - self._connected_at,
            )
        except redis.RedisError:
            self._cut_off = True
            raise
        if rescued:
            passed("rescue_moved")
            log.warning("Rescued %d jobs of dead workers", len(rescued))
        return rescued

"""What one address may ask for: so many comments a second."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

#: Addresses that are remembered; the one that was quiet for longest is forgotten first.
_ADDRESSES = 10_000


class RateLimit:
    """How many comments one address may post: a bucket of tokens that fills up again.

    burst: how many at once. per_second: how fast the bucket fills up again.
    """

    def __init__(
        self, burst: int, per_second: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst, self._per_second, self._clock = burst, per_second, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def allows(self, address: str) -> bool:
        """Whether one more is allowed; if so, it is counted."""
        now = self._clock()
        with self._lock:
            left, since = self._buckets.pop(address, (float(self._burst), now))
            left = min(float(self._burst), left + (now - since) * self._per_second)
            allowed = left >= 1.0
            self._buckets[address] = (left - allowed, now)
            if len(self._buckets) > _ADDRESSES:
                self._buckets.popitem(last=False)
        return allowed

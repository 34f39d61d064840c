"""A rate limit for the comments of each address."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

#: Maximum number of addresses. If there are more, the longest unused address is deleted.
_ADDRESSES = 10_000


class RateLimit:
    """A limit of the comments of each address, with one token bucket per address.

    Attributes:
        burst: the number of comments that an address may post at once.
        per_second: the number of comments by which the bucket refills each second.
    """

    def __init__(
        self, burst: int, per_second: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst, self._per_second, self._clock = burst, per_second, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def allows(self, address: str) -> bool:
        """Return True if the address may post one more comment, and count it."""
        now = self._clock()
        with self._lock:
            left, since = self._buckets.pop(address, (float(self._burst), now))
            left = min(float(self._burst), left + (now - since) * self._per_second)
            allowed = left >= 1.0
            self._buckets[address] = (left - allowed, now)
            if len(self._buckets) > _ADDRESSES:
                self._buckets.popitem(last=False)
        return allowed

"""Functions that wait by polling, for conditions without a notification."""

import math
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

Answer = TypeVar("Answer")


def poll(seconds: float = math.inf) -> Iterator[None]:
    """Yield once for each poll, until `seconds` have passed.

    After each poll, sleep for 0.02 to 0.1 s, since the awaited processes need the processor. In
    these limits, the pause is four times the poll's duration, or a tenth of the time so far if this
    is longer.
    """
    first = time.monotonic()
    while True:
        began = time.monotonic()
        yield
        if (now := time.monotonic()) > first + seconds:
            return
        time.sleep(min(0.1, max(0.02, 4 * (now - began), (now - first) / 10)))


def until(condition: Callable[[], Answer], seconds: float = math.inf) -> Answer:
    """Call `condition` until its result is true. Return its last result (false on a timeout)."""
    for _ in poll(seconds):
        if answer := condition():
            break
    return answer


class Stillness:
    """The time since a value last changed."""

    def __init__(self) -> None:
        self._value: Any = None
        self._since = time.monotonic()

    def seconds(self, value: object) -> float:
        """Store the present value. Return the seconds since the value last changed."""
        if value != self._value:
            self._value, self._since = value, time.monotonic()
        return time.monotonic() - self._since

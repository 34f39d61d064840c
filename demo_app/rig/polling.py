"""Wait by polling for something that sends no notification."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

Answer = TypeVar("Answer")


def poll(seconds: float = math.inf) -> Iterator[None]:
    """Yield for each poll until `seconds` have passed.

    After a poll it rests four times as long as the poll took, or a tenth of the time waited so far,
    so that it leaves the processor to the processes that it waits for.
    """
    first = time.monotonic()
    while True:
        began = time.monotonic()
        yield
        if (now := time.monotonic()) > first + seconds:
            return
        time.sleep(min(0.1, max(0.02, 4 * (now - began), (now - first) / 10)))


def until(ask: Callable[[], Answer], seconds: float = math.inf) -> Answer:
    """Call `ask` until its result is true. Return the last result, which is false on a timeout."""
    for _ in poll(seconds):
        if answer := ask():
            break
    return answer


class Stillness:
    """The time since a value last changed."""

    def __init__(self) -> None:
        self._value: Any = None
        self._since = time.monotonic()

    def seconds(self, value: object) -> float:
        """Return for how long the value has been the same (seconds)."""
        if value != self._value:
            self._value, self._since = value, time.monotonic()
        return time.monotonic() - self._since

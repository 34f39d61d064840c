"""Wait for something that sends no notification: poll, rest, and poll again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

Answer = TypeVar("Answer")


def poll(seconds: float = math.inf) -> Iterator[None]:
    """Yield for each poll, as a `for` loop's turn, until so many seconds have passed.

    After a poll it rests four times as long as that took, and a tenth of the time waited so far:
    a waiting process must not take processor time from the processes that it waits for.
    """
    first = time.monotonic()
    while True:
        began = time.monotonic()
        yield
        if (now := time.monotonic()) > first + seconds:
            return
        time.sleep(min(0.1, max(0.02, 4 * (now - began), (now - first) / 10)))


def until(ask: Callable[[], Answer], seconds: float = math.inf) -> Answer:
    """Ask until the answer is true. Return the last answer, which is false after a timeout."""
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

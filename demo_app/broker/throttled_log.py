"""A log for a lasting failure: one line at first, and then one line every ten seconds."""

import time
from collections.abc import Callable

#: Seconds between two messages with the same text.
PAUSE = 10.0


class ThrottledLog:
    """A log that writes each text at most once in ten seconds."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}

    def log(self, write: Callable[..., None], text: str, *parts: object, **options: object) -> None:
        if time.monotonic() < self._next.get(text, 0.0):
            return
        self._next[text] = time.monotonic() + PAUSE
        write(text, *parts, **options)

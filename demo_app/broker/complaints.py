"""Log that something goes on failing: at once, and then every ten seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Seconds between two complaints of the same kind.
PAUSE = 10.0


class Complaints:
    """See the module."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}

    def say(self, log: Callable[..., None], text: str, *parts: object, **options: object) -> None:
        """Log this text, unless it was logged within the pause."""
        if time.monotonic() < self._next.get(text, 0.0):
            return
        self._next[text] = time.monotonic() + PAUSE
        log(text, *parts, **options)

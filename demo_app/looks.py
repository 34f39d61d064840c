"""How to wait for something of which nobody tells: look, rest, and look again."""

from __future__ import annotations

import time
from collections.abc import Iterator


def looks(seconds: float) -> Iterator[None]:
    """One look after the other, each a turn of a `for` loop, until so many seconds have passed.

    After a look it rests four times as long as that took, and a tenth of the time waited so far:
    who waits must not take processor time from those whom it waits for.
    """
    first = time.monotonic()
    while True:
        began = time.monotonic()
        yield
        if (now := time.monotonic()) > first + seconds:
            return
        time.sleep(min(0.1, max(0.02, 4 * (now - began), (now - first) / 10)))

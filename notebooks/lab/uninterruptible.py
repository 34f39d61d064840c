"""Work that an interrupted cell must not leave half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Answer = TypeVar("Answer")


def uninterruptible(act: Callable[[], Answer]) -> Answer:
    """Do it, and let an interrupt (SIGINT) wait until it is done.

    A process that was started but not yet recorded would outlive its lab; a library of which half
    was imported stays broken. Raises what `act` raises; and KeyboardInterrupt, if somebody asked
    for it meanwhile.
    """
    if threading.current_thread() is not threading.main_thread():
        return act()  # Python interrupts the main thread alone
    came: list[int] = []

    def remember(number: int, _: Any) -> None:
        came.append(number)

    before = signal.signal(signal.SIGINT, remember)
    try:
        return act()
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            raise KeyboardInterrupt

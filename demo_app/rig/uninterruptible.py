"""Work that a Ctrl-C, or an interrupted cell, must not leave half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Answer = TypeVar("Answer")

#: What ends a process, unless it handles it.
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def uninterruptible(act: Callable[[], Answer]) -> Answer:
    """Do it, and let a signal that would end the process wait until it is done.

    A process that was started but not yet recorded would outlive its stack; a library of which half
    was imported stays broken. Raises what `act` raises; and, once it is done, what the handler of
    the first signal raises (of SIGINT, KeyboardInterrupt). Signals that nobody in Python handles
    are left alone.
    """
    if threading.current_thread() is not threading.main_thread():
        return act()  # Python handles signals in the main thread alone
    came: list[int] = []

    def remember(number: int, _: Any) -> None:
        came.append(number)

    handled = {number: signal.getsignal(number) for number in ENDS}
    before = {number: handler for number, handler in handled.items() if callable(handler)}
    for number in before:
        signal.signal(number, remember)
    try:
        return act()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            before[signal.Signals(came[0])](came[0], None)

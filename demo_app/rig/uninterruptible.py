"""A function that delays Ctrl-C and similar signals while another function runs."""

import signal
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Answer = TypeVar("Answer")

#: Signals that end a process unless it handles them.
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def uninterruptible(act: Callable[[], Answer]) -> Answer:
    """Call `act` and return its result. Delay the signals in `ENDS` during the call.

    Without the delay, a signal could leave a library half imported. Or a signal could come between
    the start of a process and the process's registration: such a process could outlive its stack.
    After the call, the handler of the first delayed signal runs; the handler may raise an exception
    (KeyboardInterrupt for SIGINT). A signal without a Python handler is not delayed.
    """
    if threading.current_thread() is not threading.main_thread():
        return act()  # Python handles signals only in the main thread
    came: list[int] = []

    def remember(number: int, _: Any) -> None:
        came.append(number)

    before = {one: handler for one in ENDS if callable(handler := signal.getsignal(one))}
    for number in before:
        signal.signal(number, remember)
    try:
        return act()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            before[signal.Signals(came[0])](came[0], None)

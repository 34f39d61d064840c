"""Do something to its end, even when the learner interrupts the cell meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def shielded(act: Callable[[], Answer]) -> Answer:
    """Run it in a thread of its own, where an interrupt can't break it off half-way: a process that
    was begun and not yet noted would outlive its lab.

    Raises what it raises; and KeyboardInterrupt, once it has ended, when there was one.
    """
    answers: list[Answer] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(act())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="shielded")
    interrupt = None
    thread.start()
    while thread.is_alive():
        try:
            thread.join()
        except KeyboardInterrupt as meanwhile:
            interrupt = meanwhile
    if interrupt is not None:
        raise interrupt
    if errors:
        raise errors[0]
    return answers[0]

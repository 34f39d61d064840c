"""Run something to its end, even when the learner interrupts the cell meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def uninterruptible(act: Callable[[], Answer]) -> Answer:
    """Run it in its own thread, where a KeyboardInterrupt can't stop it halfway.

    A process that was started but not yet recorded would outlive its lab. Raises what `act`
    raises; and the KeyboardInterrupt, once `act` has ended, if there was one.
    """
    answers: list[Answer] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(act())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="uninterruptible")
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

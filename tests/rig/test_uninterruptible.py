"""Tests that an interrupt waits for the end of an uninterruptible function."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from demo_app.rig.uninterruptible import uninterruptible


def test_an_interrupt_waits_until_it_is_done() -> None:
    done = []

    def act() -> None:
        for number in range(3):
            os.kill(os.getpid(), signal.SIGINT)
            done.append(number)

    with pytest.raises(KeyboardInterrupt):
        uninterruptible(act)
    assert done == [0, 1, 2]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_returns_or_raises_what_its_function_does_in_any_thread() -> None:
    assert uninterruptible(lambda: 4) == 4
    with pytest.raises(ZeroDivisionError):
        uninterruptible(lambda: 1 // 0)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(uninterruptible, lambda: 4).result() == 4

"""The same experiment in several labs at once, and an end of them all when the cell is stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any, TypeVar

from demo_app.uninterruptible import uninterruptible
from lab.lifecycle import Lifecycle, labs
from lab.progress import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")


def run_together(
    run: Callable[[Item], Result], items: Iterable[Item], at_once: int, what: str
) -> list[Result]:
    """Run it for every item, so many at a time; shows in the cell that it takes a while.

    When the cell is stopped, or one of them fails, the labs that were started here are closed, so
    that what runs in them ends.
    """
    before = labs()
    running: list[Future[Result]] = []
    with Progress(what), ThreadPoolExecutor(at_once) as pool:
        try:
            uninterruptible(lambda: running.extend(pool.submit(run, item) for item in items))
            # in short waits: a signal that comes as a long one begins would not end it
            for one in running:
                while wait([one], 0.1).not_done:
                    pass
            return [one.result() for one in running]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            uninterruptible(partial(_end, running, before))
            raise


def _end(running: Sequence[Future[Any]], before: Sequence[Lifecycle]) -> None:
    """Close the labs, until nothing runs that could start one."""
    while not all(one.done() for one in running):
        ours = [lab for lab in labs() if lab not in before]
        with ThreadPoolExecutor(len(ours) or 1) as closing:
            list(closing.map(Lifecycle.close, ours))
        time.sleep(0.02)  # between two looks

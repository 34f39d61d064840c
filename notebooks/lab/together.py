"""The same experiment in several labs at once, and an end of them all when the cell is stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from lab.lifecycle import Lifecycle, labs
from lab.progress import Progress
from lab.uninterruptible import uninterruptible

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
    with Progress(what), ThreadPoolExecutor(at_once) as pool:
        running = [pool.submit(run, item) for item in items]
        try:
            return [one.result() for one in running]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            uninterruptible(partial(_end, running, before))
            raise


def _end(running: Sequence[Future[Any]], before: Sequence[Lifecycle]) -> None:
    """Close the labs; one that is only starting is closed when it has started."""
    while not all(one.done() for one in running):
        ours = [lab for lab in labs() if lab not in before]
        with ThreadPoolExecutor(len(ours) or 1) as closing:
            list(closing.map(Lifecycle.close, ours))
        time.sleep(0.02)  # between two looks

"""Named steps of a worker, at which a test may stop the worker."""

from collections.abc import Callable

#: After each step, the step's thread calls each of these functions with the step's name.
watchers: list[Callable[[str], object]] = []


def passed(step: str) -> None:
    for watcher in watchers:
        watcher(step)

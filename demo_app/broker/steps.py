"""Named steps of a worker, at which a test may stop the worker."""

from collections.abc import Callable

_watchers: list[Callable[[str], object]] = []


def watch(watcher: Callable[[str], object]) -> None:
    """Register a function. After each step, the step's thread calls it with the step's name."""
    _watchers.append(watcher)


def passed(step: str) -> None:
    for watcher in _watchers:
        watcher(step)

"""Named steps of a worker, at which a test may stop the worker."""

from __future__ import annotations

from collections.abc import Callable

_watchers: list[Callable[[str], object]] = []


def watch(watcher: Callable[[str], object]) -> None:
    """Register a function to be called after each step with its name, in the step's thread."""
    _watchers.append(watcher)


def passed(step: str) -> None:
    for watcher in _watchers:
        watcher(step)

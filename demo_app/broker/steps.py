"""The steps that a worker takes with its claims, for a test that wants to stop it at one."""

from __future__ import annotations

from collections.abc import Callable

_watchers: list[Callable[[str], object]] = []


def watch(watcher: Callable[[str], object]) -> None:
    """Have the watcher called after each step, with its name, in the thread that took it."""
    _watchers.append(watcher)


def passed(step: str) -> None:
    """Tell who watches that this step was taken."""
    for watcher in _watchers:
        watcher(step)

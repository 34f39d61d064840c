"""Named steps of a worker, at which a test may stop it."""

from __future__ import annotations

from collections.abc import Callable

_watchers: list[Callable[[str], object]] = []


def watch(watcher: Callable[[str], object]) -> None:
    """Call the watcher with the name of each step that has run, in the thread that ran it."""
    _watchers.append(watcher)


def passed(step: str) -> None:
    for watcher in _watchers:
        watcher(step)

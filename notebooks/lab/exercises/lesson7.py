"""Lesson 07: see it, and run it."""

from __future__ import annotations

from collections.abc import Callable
from types import EllipsisType
from typing import Any

from lab.checks import exercise

_SUMMARY = {"enqueued": 60, "queued": 11, "running": 4, "retrying": 2, "dead": 1, "done": 41}
#: depth, latency in seconds, dead; and whether somebody must look.
_CASES = [
    (900, 12, 0, False, "many wait, and none of them long"),
    (3, 75, 0, True, "few wait, and one of them for too long"),
    (0, 0, 1, True, "a job was given up"),
    (0, 0, 0, False, "all is quiet"),
    (900, 75, 4, True, "everything at once"),
]


@exercise("7.1")
def _conserved(answer: bool) -> str | None:
    states = sum(_SUMMARY.values()) - _SUMMARY["enqueued"]
    if answer not in (True, False):
        return "say True or False."
    if answer == (states == _SUMMARY["enqueued"]):
        return None
    return "add up the states, and leave out what was put in."


@exercise("7.2")
def _alarm(answer: Callable[[int, float, int], Any]) -> str | EllipsisType | None:
    if answer(0, 0, 0) is ...:
        return ...
    for depth, latency, dead, right, words in _CASES:
        if bool(answer(depth, latency, dead)) is not right:
            return f"think of this evening: {words}."
    return None

"""Lesson 01: synchronous and asynchronous."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from types import EllipsisType

from lab.checks import exercise
from lab.times import percentile

_LATER = {"resize an uploaded photo", "a yearly report as CSV", "tell followers of a new post"}
_NOW = {"check a password", "show the page"}


@exercise("1.1")
def _median(answer: Callable[[Sequence[float]], object]) -> str | EllipsisType | None:
    if answer([1.0]) is ...:
        return ...
    lists = [[3.0], [2.0, 1.0], [5.0, 1.0, 3.0], [4.0, 1.0, 2.0, 8.0]]
    lists += [[random.random() for _ in range(size)] for size in (7, 10, 30)]
    for values in lists:
        given = list(values)
        if answer(given) != percentile(values, 50):
            return f"for {len(values)} values it is wrong. Are they in order when you count?"
    return None


@exercise("1.2")
def _what_becomes_a_job(answer: set[str]) -> str | None:
    if not isinstance(answer, set):
        return "give a set of words, as in {...}."
    if unknown := answer - _LATER - _NOW:
        return f"{min(unknown)!r} is not among the words; copy them as they are."
    if wrong := answer & _NOW:
        return f"can the reader go on without this: {min(wrong)!r}?"
    return None if answer == _LATER else "something is missing. What is slow, or may come later?"

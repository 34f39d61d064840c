"""Lesson 05: when mail fails."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from types import EllipsisType
from typing import Any

from lab.checks import exercise

_RIGHT = {"421 too many connections": "again", "550 no such person": "dead", "no answer": "again"}


@exercise("5.1")
def _again_or_dead(answer: dict[str, Any]) -> str | EllipsisType | None:
    if any(said is ... for said in answer.values()):
        return ...
    if answer.keys() != _RIGHT.keys() or not set(answer.values()) <= {"again", "dead"}:
        return 'say "again" or "dead" for each of the three.'
    wrong = [name for name in _RIGHT if answer[name] != _RIGHT[name]]
    return f"may this pass by itself: {wrong[0]}?" if wrong else None


@exercise("5.2")
def _waits(answer: Callable[[float, int], Any]) -> str | EllipsisType | None:
    if answer(1, 3) is ...:
        return ...
    for first, tries in ((1, 2), (1, 3), (0.5, 5), (3, 6)):
        given = list(answer(first, tries))
        if len(given) != tries - 1:
            return f"for {tries} tries you give {len(given)} waits."
        if given[0] != first:
            return "the first wait is not the one that was asked for."
        if any(b != 2 * a for a, b in pairwise(given)):
            return "each wait should be twice the one before it."
    return None if answer(1, 1) == [] else "with a single try there is nothing to wait for."

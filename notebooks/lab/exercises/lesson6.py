"""Lesson 06: swap the backend."""

from __future__ import annotations

from lab.checks import exercise

_CARRIED = {"a number", "a list of words", "the id of a comment"}
_NOT_CARRIED = {"a date", "an open file"}
_CLAIM = "rename"


@exercise("6.1")
def _who_waits(answer: str) -> str | None:
    if answer == "inline":
        return None
    return "look at how long the last reader waited, in the first table; or at lesson 01."


@exercise("6.2")
def _arguments(answer: set[str]) -> str | None:
    if not isinstance(answer, set) or not answer <= _CARRIED | _NOT_CARRIED:
        return "give a set of some of the five, as they are written."
    if wrong := answer & _NOT_CARRIED:
        return f"what would JSON make of this: {min(wrong)}?"
    return None if answer == _CARRIED else "something is missing that JSON can carry."


@exercise("6.3")
def _claim_line(answer: str) -> str | None:
    if str(answer).strip("().") == _CLAIM:
        return None
    return "in `_work`, look for the step by which a file leaves the line. It is one word."

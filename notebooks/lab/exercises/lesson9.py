"""Lesson 09: take it home."""

from __future__ import annotations

from lab.checks import exercise

_HARM = {"charge a credit card", "add 1 to a counter"}
_NO_HARM = {
    "set a user's language to Japanese": "Japanese twice is Japanese",
    "delete yesterday's log": "what is gone stays gone",
}


@exercise("9.1")
def _address(answer: str) -> str | None:
    if answer == "claims+rediss://:secret@queue.example.test:6379/2":
        return None
    if not isinstance(answer, str):
        return "give the address as a text, in quotes."
    if "rediss" not in answer:
        return "the connection was encrypted, and should stay so."
    return "put one word before the address, and leave the rest as it is."


@exercise("9.2")
def _harm(answer: set[str]) -> str | None:
    if not isinstance(answer, set):
        return "give a set, in braces."
    for harmless, why in _NO_HARM.items():
        if harmless in answer:
            return f"{harmless}: {why}."
    if answer == _HARM:
        return None
    return "of which would the customer, or the boss, see that it ran twice?"

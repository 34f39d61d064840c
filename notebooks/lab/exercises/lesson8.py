"""Lesson 08: the ladder."""

from __future__ import annotations

from lab.checks import exercise

_GAPS = {
    "claim": "that one closes the gap between the queue and the worker",
    "rescue": "that one brings back what a dead worker held",
    "Message-ID": "that one is about a mail that comes twice",
    "AOF": "that one is about what Redis had already",
}
_ORDER = ["early ack", "late ack", "claim", "outbox"]


@exercise("8.1")
def _missing_safeguard(answer: str) -> str | None:
    if answer == "outbox":
        return None
    if answer in _GAPS:
        return f"{_GAPS[answer]}; here Redis never had the job."
    return "one of the five words, please."


@exercise("8.2")
def _threads(answer: float) -> str | None:
    if abs(answer - 36_000 / 3600 * 0.5) < 1e-6:
        return None
    return "how many come in a second, times how long each one takes?"


@exercise("8.3")
def _order(answer: list[str]) -> str | None:
    if not isinstance(answer, list) or sorted(answer) != sorted(_ORDER):
        return "give a list of all four, each once; a set has no order."
    if answer == _ORDER:
        return None
    wrong = next(n for n, name in enumerate(_ORDER) if answer[n] != name)
    return f"look at place {wrong + 1} again, in the picture."

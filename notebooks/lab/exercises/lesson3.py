"""Lesson 03: persistence."""

from __future__ import annotations

from lab.checks import exercise

_MODES = {"always", "everysec", "no"}


@exercise("3.1")
def _process_killed(answer: set[str]) -> str | None:
    if not isinstance(answer, set) or not answer <= _MODES:
        return "give a set of some of these: always, everysec, no."
    return None if answer == _MODES else "you counted it above: what was left under each?"


@exercise("3.2")
def _power_failure(answer: set[str]) -> str | None:
    if not isinstance(answer, set) or not answer <= _MODES:
        return "give a set of some of these: always, everysec, no."
    if answer == {"always"}:
        return None
    return "every job that was answered must be on the disk itself before the answer."


@exercise("3.3")
def _command(answer: str) -> str | None:
    if str(answer).upper() == "LPUSH":
        return None
    if str(answer).upper() == "RPUSH":
        return "that one wrote into the job's own list. Look for the queue's name."
    return "find the queue's name in the log, and read the word before it."

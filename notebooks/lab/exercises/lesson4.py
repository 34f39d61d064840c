"""Lesson 04: kill the worker."""

from __future__ import annotations

from lab.checks import exercise
from lab.running import current


@exercise("4.1")
def _interrupted(answer: set[str]) -> str | None:
    jobs = current().seen().jobs
    if not isinstance(answer, set):
        return "give a set, as in {...}, so that the order does not matter."
    known = {job.id for job in jobs}
    if not answer <= known:
        return "there is something in your set that is no job's id."
    right = {job.id for job in jobs if job.rescued}
    if answer > right:
        return "too many: leave out those whose every run ended well."
    return None if answer == right else "look at how each run ended, not only the last one."


@exercise("4.2")
def _message_id(answer: str) -> str | None:
    (mail,) = current().client.mails()["messages"]
    if answer == mail["message_id"]:
        return None
    if answer == mail["job_id"]:
        return "that is the job's id; the mail has an id of its own."
    return "a Message-ID stands in angle brackets, with an @ in it. Look into the inbox."


@exercise("4.3")
def _true_words(answer: set[str]) -> str | None:
    right = {"late by a lease", "maybe sent twice"}
    if not isinstance(answer, set):
        return "give a set of words, as in {...}."
    if wrong := answer - right:
        return f"is {min(wrong)!r} really true here? Look at the ledger again."
    return None if answer == right else "something is missing: think of both time and the mail."

"""Lesson 02: queues."""

from __future__ import annotations

from lab.checks import exercise
from lab.running import current


@exercise("2.1")
def _backwards(answer: list[str]) -> str | None:
    lab = current()
    if list(answer) != lab.started()[-3:]:
        return "give lab.started()[-3:], after lab.wait()."
    if sorted(answer) != ["a", "b", "c"]:
        return 'the last three jobs that started are not called "a", "b" and "c".'
    jobs = [job for job in lab.seen().jobs if job.runs][-3:]
    put_in = sorted(jobs, key=lambda job: job.enqueued)
    began = sorted(jobs, key=lambda job: job.runs[-1].began)
    if list(answer) == ["c", "b", "a"]:
        return None
    if put_in == began:
        return "they started in the order in which they came. Which words change that?"
    return "nearly: look at which list each of them was in."


@exercise("2.2")
def _little(answer: float) -> str | None:
    if abs(answer - 10 * 0.5) < 1e-9:
        return None
    return "Little's law: how many come in a second, times how many seconds each one stays."

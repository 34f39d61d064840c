"""Lesson 04 runs, whatever is done to it, and knows right answers from wrong ones."""

from __future__ import annotations

from notebooks.misuse import lesson_test

WRONG: dict[str, list[str]] = {
    "4.2": [],
    "4.1": [
        "answer = set()",
        "answer = [job.id for job in lab.seen().jobs if job.rescued]",
    ],
    "4.3": [
        "answer = {name: 'lost' for name in answer}",
        "answer = {name: 'late' for name in answer}",
    ],
}

test_it_runs_whatever_is_done_to_it_and_its_exercises_are_checked = lesson_test(
    "04_kill_the_worker", WRONG
)

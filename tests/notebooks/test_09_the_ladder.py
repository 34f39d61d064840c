"""Lesson 09 runs, whatever is done to it, and knows right answers from wrong ones."""

from __future__ import annotations

from notebooks.misuse import lesson_test

WRONG = {
    "9.1": ["answer = 'rescue'", "answer = 'AOF'", "answer = 'claim'", "answer = None"],
    "9.2": ["answer = 10", "answer = 36_000 * 0.5", "answer = 20", "answer = 'five'"],
    "9.3": [
        "answer = ['late ack', 'early ack', 'claim', 'outbox']",
        "answer = ['early ack']",
    ],
}

test_it_runs_whatever_is_done_to_it_and_its_exercises_are_checked = lesson_test(
    "09_the_ladder", WRONG
)

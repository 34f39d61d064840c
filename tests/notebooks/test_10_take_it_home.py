"""Lesson 10 runs, whatever is done to it, and knows right answers from wrong ones."""

from __future__ import annotations

from notebooks.misuse import lesson_test

WRONG = {
    "10.1": [
        "answer = 'rediss://:secret@queue.example.test:6379/2'",
        "answer = 'claims+redis://:secret@queue.example.test:6379/2'",
    ],
    "10.2": [
        "answer = {'charge a credit card'}",
        "answer = {'charge a credit card', 'add 1 to a counter', \"delete yesterday's log\"}",
    ],
}

test_it_runs_whatever_is_done_to_it_and_its_exercises_are_checked = lesson_test(
    "10_take_it_home", WRONG
)

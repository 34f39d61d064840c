"""Lesson 01 runs, whatever is done to it, and knows right answers from wrong ones."""

from __future__ import annotations

from notebooks.misuse import lesson_test

WRONG = {
    "1.1": [
        "def answer(values):\n    return sum(values) / len(values)",
        "def answer(values):\n    return values[len(values) // 2]",
    ],
    "1.2": [
        "answer = set()",
        "answer = {'check a password'}",
    ],
}

test_it_runs_whatever_is_done_to_it_and_its_exercises_are_checked = lesson_test(
    "01_sync_vs_async", WRONG
)

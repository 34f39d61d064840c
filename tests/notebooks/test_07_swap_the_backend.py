"""Lesson 07 runs, whatever is done to it, and knows right answers from wrong ones."""

from __future__ import annotations

from notebooks.misuse import lesson_test

MINE = """
class Mine(Backend):
    def __init__(self):
        self.waiting = []

    def _enqueue(self, jobs):
        {enqueue}

    def run_next(self):
        return {run}
"""
WRONG = {
    "7.1": ["answer = 'memory'", "answer = 'celery'", "answer = None"],
    "7.2": [
        "answer = {'a number', 'a date'}",
        "answer = {'a number'}",
    ],
    "7.3": [
        MINE.format(enqueue="self.waiting = jobs[::-1]", run="perform(self.waiting.pop(0))"),
        MINE.format(enqueue="self.waiting.extend(jobs)", run="perform(self.waiting.pop())"),
    ],
}

test_it_runs_whatever_is_done_to_it_and_its_exercises_are_checked = lesson_test(
    "07_swap_the_backend", WRONG
)

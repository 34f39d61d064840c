"""Lesson 08 runs, whatever is done to it, and knows right answers from wrong ones."""

from __future__ import annotations

from notebooks.misuse import lesson_test

WRONG = {
    "8.1": ["answer = True", "answer = 'no'", "answer = 59"],
    "8.2": [
        "def answer(depth, latency, dead):\n    return depth > 100",
        "def answer(depth, latency, dead):\n    return latency > 60",
    ],
    "8.3": ["answer = 1", "answer = 'staged'", "staged.post(2)\nstaged.wait()\nanswer = 1"],
}

test_it_runs_whatever_is_done_to_it_and_its_exercises_are_checked = lesson_test(
    "08_see_it_and_run_it", WRONG
)

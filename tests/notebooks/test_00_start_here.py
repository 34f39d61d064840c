"""Lesson 00 runs, whatever is done to it, and knows right answers from wrong ones."""

from __future__ import annotations

from notebooks.misuse import lesson_test

WRONG = {
    "0.1": [
        "answer = lab.stack.ready['pids']['redis'][0]",
        "answer = lab.stack.ready['web']",
    ],
    "0.2": [
        "answer = 'Hello'",
        "answer = lab.client.mails()['messages'][0]['subject']",
    ],
}

test_it_runs_whatever_is_done_to_it_and_its_exercises_are_checked = lesson_test(
    "00_start_here", WRONG, thorough=False
)

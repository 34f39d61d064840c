"""Lesson 02 runs, whatever is done to it, and knows right answers from wrong ones."""

from __future__ import annotations

from notebooks.misuse import lesson_test

WRONG = {
    "2.1": [
        "push = lambda job: mine.rpush('parcels', job)\npop = lambda: mine.rpop('parcels')",
        "push = lambda job: mine.lpush('parcels', job)\npop = lambda: None",
    ],
    "2.2": ["answer = ['4', '1', '2', '3']", "answer = kept.started()[-4:]", "answer = None"],
    "2.3": ["answer = 10 / 0.5", "answer = 10", "answer = 'five'"],
}

test_it_runs_whatever_is_done_to_it_and_its_exercises_are_checked = lesson_test(
    "02_fifo_queues", WRONG
)

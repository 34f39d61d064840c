"""Lesson 11 runs, whatever is done to it, and knows right answers from wrong ones."""

from __future__ import annotations

from notebooks.misuse import lesson_test

WRONG = {
    "11.1": [
        "answer = ('dead', 'it kills every worker that runs it')",
        "answer = ('retrying', 'the mail server refuses this mail')",
    ],
    "11.2": [
        "answer = ('a queue', 'its worker is dead')",
        "answer = ('nowhere', 'no worker takes from this queue')",
    ],
    "11.3": [
        "answer = ('a worker', 'its worker is dead')",
        "answer = ('a worker', 'paused')",
    ],
    "11.4": [
        "answer = ('nowhere', 'Redis refuses to write')",
        'answer = ("the web app\'s database", "Redis does not run")',
    ],
    "11.5": [
        "answer = ('scheduled', 'too many jobs are before it')",
        "answer = ('a queue', 'it was written by a clock that was wrong')",
    ],
    "11.6": [
        "answer = ('a queue', 'no worker takes from this queue')",
        "answer = ('a worker', 'the worker asks another Redis')",
    ],
}

test_it_runs_whatever_is_done_to_it_and_its_exercises_are_checked = lesson_test(
    "11_where_is_job_17", WRONG
)

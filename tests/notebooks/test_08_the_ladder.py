"""Lesson 08 runs, whatever is done to it, and knows right answers from wrong ones."""

from __future__ import annotations

import pytest
from notebooks.misuse import survives_everything

WRONG = {
    "8.1": ["answer = 'rescue'", "answer = 'AOF'", "answer = 'claim'", "answer = None"],
    "8.2": ["answer = 10", "answer = 36_000 * 0.5", "answer = 20", "answer = 'five'"],
    "8.3": [
        "answer = ['late ack', 'early ack', 'claim', 'outbox']",
        "answer = ['early ack']",
        "answer = {'early ack', 'late ack', 'claim', 'outbox'}",
        "answer = None",
    ],
}


@pytest.mark.timeout(600)
def test_it_runs_whatever_is_done_to_it_and_its_exercises_are_checked() -> None:
    survives_everything("08_the_ladder", WRONG)

"""Lesson 06 runs, whatever is done to it, and knows right answers from wrong ones."""

from __future__ import annotations

import pytest
from notebooks.misuse import survives_everything

WRONG = {
    "6.1": ["answer = 'memory'", "answer = 'celery'", "answer = None"],
    "6.2": [
        "answer = {'a number', 'a date'}",
        "answer = {'a number'}",
        "answer = 'a number'",
        "answer = {'an open file'}",
    ],
    "6.3": ["answer = 'unlink'", "answer = 'write_text'", "answer = None"],
}


@pytest.mark.timeout(600)
def test_it_runs_whatever_is_done_to_it_and_its_exercises_are_checked() -> None:
    survives_everything("06_swap_the_backend", WRONG)

"""Lesson 01 runs, whatever is done to it, and knows right answers from wrong ones."""

from __future__ import annotations

import pytest
from notebooks.misuse import survives_everything

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


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_it_runs_whatever_is_done_to_it_and_its_exercises_are_checked() -> None:
    survives_everything("01_sync_vs_async", WRONG)

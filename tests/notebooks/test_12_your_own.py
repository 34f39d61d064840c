"""Lesson 12 runs."""

from __future__ import annotations

import pytest
from notebooks.kernels import NOTEBOOKS, kernel
from notebooks.lesson import run_lesson

WRONG = {
    "12.1": ["answer = True", "answer = tried"],
    "12.2": ["answer = 4", "answer = 'five'"],
}


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_the_lesson_runs_with_an_app_of_the_lowest_rung() -> None:
    assert not (NOTEBOOKS / "my_app.py").exists(), "somebody's own app is in the way"
    with kernel() as here:
        run_lesson(here, "12_your_own", WRONG, here.run)
        here.nothing_is_left()

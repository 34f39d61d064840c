"""Each lesson runs, whatever is done to it, and knows right answers from wrong ones."""

from __future__ import annotations

import pytest
from notebooks.kernels import NOTEBOOKS, kernel
from notebooks.lesson import LESSONS, run_lesson
from notebooks.misuse import survives_everything
from notebooks.wrong import WRONG
from support import most_thorough

*OTHERS, LAST = LESSONS


@pytest.mark.timeout(900)
@pytest.mark.parametrize("lesson", most_thorough(OTHERS, OTHERS[0]))
def test_it_runs_whatever_is_done_to_it_and_its_exercises_are_checked(lesson: str) -> None:
    survives_everything(lesson, WRONG[lesson])


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_the_last_one_runs_with_an_app_of_the_lowest_rung() -> None:
    assert not (NOTEBOOKS / "my_app.py").exists(), "somebody's own app is in the way"
    with kernel() as here:
        run_lesson(here, LAST, WRONG[LAST], here.run)
        here.nothing_is_left()

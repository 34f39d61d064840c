"""Lesson 03 runs, and knows right answers from wrong ones."""

from __future__ import annotations

import pytest
from notebooks.lesson import run_lesson

WRONG = {
    "3.1": ["answer = {'always'}", "answer = {'always', 'everysec'}", "answer = 'always'"],
    "3.2": ["answer = {'always', 'everysec'}", "answer = {'no'}", "answer = 'always'"],
    "3.3": ["answer = 'RPUSH'", "answer = 'MULTI'", "answer = None"],
}


@pytest.mark.timeout(300)
def test_it_runs_and_its_exercises_are_checked() -> None:
    run_lesson("03_redis_persistence", WRONG)

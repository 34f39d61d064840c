"""Lesson 03 runs, whatever is done to it, and knows right answers from wrong ones."""

from __future__ import annotations

import pytest
from notebooks.misuse import survives_everything

WRONG = {
    "3.1": ["answer = {'always'}", "answer = {'always', 'everysec'}", "answer = 'always'"],
    "3.2": ["answer = {'always', 'everysec'}", "answer = {'no'}", "answer = 'always'"],
    "3.3": [
        "answer = 'RPUSH'",
        "redis.config_set('appendonly', 'yes')\nanswer = ''",
    ],
}


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_it_runs_whatever_is_done_to_it_and_its_exercises_are_checked() -> None:
    survives_everything("03_redis_persistence", WRONG)

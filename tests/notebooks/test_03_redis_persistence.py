"""Lesson 03 runs, whatever is done to it, and knows right answers from wrong ones."""

from __future__ import annotations

from notebooks.misuse import lesson_test

WRONG = {
    "3.1": ["answer = {'always'}", "answer = {'always', 'everysec'}", "answer = 'always'"],
    "3.2": ["answer = {'always', 'everysec'}", "answer = {'no'}", "answer = 'always'"],
    "3.3": [
        "answer = 'RPUSH'",
        "redis.config_set('appendonly', 'yes')\nanswer = ''",
    ],
}

test_it_runs_whatever_is_done_to_it_and_its_exercises_are_checked = lesson_test(
    "03_redis_persistence", WRONG
)

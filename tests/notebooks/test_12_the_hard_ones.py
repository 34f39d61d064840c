"""Lesson 12 runs, whatever is done to it, and knows right answers from wrong ones."""

from __future__ import annotations

import pytest
from notebooks.misuse import survives_everything

WRONG = {
    "12.1": [
        "answer = ('nowhere', 'Redis refuses to write')",
        'answer = ("the web app\'s database", "Redis does not run")',
    ],
    "12.2": [
        "answer = ('scheduled', 'too many jobs are before it')",
        "answer = ('a queue', 'it was written by a clock that was wrong')",
    ],
    "12.3": [
        "answer = ('retrying', 'the mail server refuses this mail')",
        "answer = ('done', 'its mail arrived, the answer did not')",
    ],
    "12.4": [
        "answer = ('a queue', 'no worker takes from this queue')",
        "answer = ('a worker', 'the worker asks another Redis')",
    ],
}


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_it_runs_whatever_is_done_to_it_and_its_exercises_are_checked() -> None:
    survives_everything("12_the_hard_ones", WRONG)

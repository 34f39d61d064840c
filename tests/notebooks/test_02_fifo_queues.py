"""Lesson 02 runs, whatever is done to it, and knows right answers from wrong ones."""

from __future__ import annotations

import pytest
from notebooks.misuse import survives_everything

WRONG = {
    "2.1": [
        "answer = ['c', 'b', 'a']",
        "answer = kept.started()[-3:]",
        "answer = None",
        "[work.enqueue(name=name) for name in 'abc']\nkept.wait()\nanswer = kept.started()[-3:]",
    ],
    "2.2": ["answer = 10 / 0.5", "answer = 10", "answer = 'five'"],
}


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_it_runs_whatever_is_done_to_it_and_its_exercises_are_checked() -> None:
    survives_everything("02_fifo_queues", WRONG)

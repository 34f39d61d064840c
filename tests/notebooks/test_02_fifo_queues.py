"""Lesson 02 runs, and knows right answers from wrong ones."""

from __future__ import annotations

import pytest
from notebooks.lesson import run_lesson

WRONG = {
    "2.1": [
        "answer = ['c', 'b', 'a']",
        "answer = lab.started()[-3:]",
        "answer = None",
        "[work.enqueue(name=name) for name in 'abc']\nlab.wait()\nanswer = lab.started()[-3:]",
    ],
    "2.2": ["answer = 10 / 0.5", "answer = 10", "answer = 'five'"],
}


@pytest.mark.timeout(300)
def test_it_runs_and_its_exercises_are_checked() -> None:
    run_lesson("02_fifo_queues", WRONG)

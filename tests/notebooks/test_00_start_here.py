"""Lesson 00 runs, and knows right answers from wrong ones."""

from __future__ import annotations

import pytest
from notebooks.lesson import run_lesson

WRONG = {
    "0.1": [
        "answer = lab.stack.ready['pids']['redis'][0]",
        "answer = lab.stack.ready['web']",
        "answer = 1",
        "answer = None",
    ],
    "0.2": [
        "answer = 'Hello'",
        "answer = lab.client.mails()['messages'][0]['subject']",
        "answer = None",
    ],
}


@pytest.mark.timeout(300)
def test_it_runs_and_its_exercises_are_checked() -> None:
    run_lesson("00_start_here", WRONG)

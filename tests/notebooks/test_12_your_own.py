"""Lesson 12 runs; and each rung of the app that a learner writes loses what it is said to lose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from notebooks.kernels import NOTEBOOKS, kernel
from notebooks.lesson import run_lesson

from lab.capstone import LONGEST, RUNGS, try_out
from lab.lifecycle import LabError
from lab.running import Lab

WRONG = {
    "12.1": ["answer = True", "answer = tried"],
    "12.2": ["answer = 4", "answer = 'five'"],
}
WAITS, WEB, WORKER, REDIS, ANSWER = (
    "the reader does not wait",
    "the web app is killed",
    "the worker is killed",
    "Redis is killed",
    "the mail server's answer is lost",
)
#: What each rung does not pass yet.
FAILS = {
    "1_inline": [WAITS],
    "2_thread": [WEB],
    "3_early": [WORKER, REDIS],
    "4_late": [WORKER, REDIS, ANSWER],
    "5_claims": [REDIS, ANSWER],
    "6_outbox": [ANSWER],
    "7_message_id": [],
}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """One for all that a learner tries, as in the lesson."""
    with closing(Lab(workers=0)) as lab:
        yield lab


@pytest.mark.thorough
@pytest.mark.timeout(400)
@pytest.mark.parametrize("rung", sorted(FAILS))
def test_a_rung_loses_what_the_next_one_keeps(lab: Lab, rung: str) -> None:
    (path,) = (path for path in RUNGS if path.stem == rung)
    tried = try_out(lab, path)
    assert [trial.name for trial in tried.trials if trial.held is False] == FAILS[rung]
    rows = {trial.name: trial for trial in tried.trials}
    if rung == "3_early":
        assert rows[WORKER].ledger.missing > rows[WORKER].late, "it is lost, and not only late"
    if rung == "4_late":
        assert rows[WORKER].ledger.missing == rows[WORKER].late > 0, "it is late, and not lost"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import nothing_of_this_name", "can't be imported"),
        ("class Inbox: ...", "nothing of the name 'web'"),
        ("x = 1\n" * (LONGEST + 1), "are enough"),
    ],
)
def test_a_file_that_is_no_app_yet_is_told_why(
    lab: Lab, text: str, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "my_app.py"
    path.write_text(text)
    with pytest.raises(LabError, match=told):
        try_out(lab, path)


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_the_lesson_runs_with_an_app_of_the_lowest_rung() -> None:
    assert not (NOTEBOOKS / "my_app.py").exists(), "somebody's own app is in the way"
    with kernel() as here:
        run_lesson(here, "12_your_own", WRONG, here.run)
        here.nothing_is_left()

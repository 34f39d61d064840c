"""What a learner answered and predicted is one file, and a folder of them is one table."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from support import run_python

import lab.checks
import lab.prediction
from lab import LabError, check, hand_in, predict


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lesson that begins: nothing was answered, and files go into a folder of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lab.checks, "TRIED", {})
    monkeypatch.setattr(lab.prediction, "KEPT", {})
    return tmp_path


def graded(*arguments: str) -> str:
    """What ``judge --grade`` prints of the hand-ins here."""
    return run_python("-m", "demo_app", "judge", "--grade", ".", *arguments).stdout


def test_what_was_answered_and_predicted_is_in_a_table_of_the_class(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "3")
    predict("How many are left?", 200, "jobs").against(3)
    check("2.3", ...)
    check("2.3", 7)
    check("2.3", 5)
    check("7.1", "celery")
    hand_in("Hanako | A.")
    check("7.1", "inline")
    check("2.3", 9)
    hand_in("Hanako | A.")
    (here / "notes.json").write_text("[]")
    told = json.loads((here / "hand-in-Hanako-A.json").read_text())
    assert told["exercises"] == {
        "2.3": {"right": True, "tries": 2},
        "7.1": {"right": True, "tries": 2},
    }
    assert [one["verdict"] for one in told["predictions"]] == ["as predicted"]
    table = graded("--csv", "class.csv")
    assert "| hand-in-Hanako-A.json | ✓ 2 | ✓ 2 | 2 | 1 of 1 |  |" in table
    assert "| notes.json |  |  |  |  | It is no hand-in: TypeError. |" in table
    rows = list(csv.reader((here / "class.csv").read_text().splitlines()))
    assert rows[0] == ["hand-in", "2.3", "7.1", "right", "as predicted", "told"]
    assert rows[1] == ["hand-in-Hanako-A.json", "✓ 2", "✓ 2", "2", "1 of 1", ""]


def test_what_other_lessons_handed_in_stays(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check("2.3", 5)
    hand_in()
    monkeypatch.setattr(lab.checks, "TRIED", {})  # a kernel of another lesson
    check("7.1", "celery")
    hand_in()
    told = json.loads((here / "hand-in-mine.json").read_text())
    assert {name: one["right"] for name, one in told["exercises"].items()} == {
        "2.3": True,
        "7.1": False,
    }
    assert "| hand-in-mine.json | ✓ 1 | ✗ 1 | 1 | 0 of 0 |  |" in graded()


def test_nothing_is_not_handed_in_and_no_other_file_is_written_over(here: Path) -> None:
    with pytest.raises(LabError, match="nothing to hand in"):
        hand_in()
    check("2.3", 5)
    (here / "hand-in-mine.json").write_text("my notes")
    with pytest.raises(LabError, match="no hand-in"):
        hand_in()
    assert (here / "hand-in-mine.json").read_text() == "my notes"

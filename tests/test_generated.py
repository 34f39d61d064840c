"""The tables of the reference say what the code says."""

from __future__ import annotations

from pathlib import Path

import answers
import pytest
from generated import TABLES, rewritten

from demo_app.settings import Settings


@pytest.mark.parametrize("name", TABLES)
def test_the_table_is_up_to_date(name: str) -> None:
    path, _ = TABLES[name]
    assert path.read_text("utf-8") == rewritten(name), "run `python tests/generated.py`"


@pytest.mark.parametrize("path", answers.pages(), ids=str)
def test_the_page_of_a_queue_says_what_the_judge_found(path: Path) -> None:
    assert path.read_text("utf-8") == answers.pages()[path](), "run `python tests/generated.py`"


def test_one_queue_keeps_all_promises_as_the_pages_say() -> None:
    held = [row["queue"] for row in answers.sheet("judge.csv") if row["holds"] == "12 of 12"]
    assert held == ["claims"]


def test_every_setting_says_what_it_sets() -> None:
    assert [name for name, one in Settings.model_fields.items() if not one.description] == []

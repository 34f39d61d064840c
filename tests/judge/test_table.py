"""The table of what people use can be read again."""

from __future__ import annotations

from pathlib import Path

from demo_app.judge.levels import LEVELS
from demo_app.judge.table import columns

PAGES = Path(__file__).resolve().parents[2] / "notebooks" / "reference"
PAGE = (PAGES / "judge.md").read_text("utf-8")


def test_the_judges_page_says_for_each_queue_whether_each_level_holds() -> None:
    queues = columns(PAGE)
    assert next(iter(queues)) == "this project"
    for cells in queues.values():
        levels = {row: cell for row, cell in cells.items() if row[0].isdigit()}
        assert list(levels) == [f"{level.number}. {level.name}" for level in LEVELS.values()]
        assert all(cell.startswith(("holds", "**no**")) for cell in levels.values())


def test_a_page_without_the_table_has_no_columns() -> None:
    assert columns("before\n<!-- judge -->\n<!-- /judge -->\n") == {}

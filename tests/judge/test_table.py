"""The table of what people use says what the judge found."""

from __future__ import annotations

import csv
from pathlib import Path

from demo_app.judge.levels import LEVELS
from demo_app.judge.table import markdown
from demo_app.judge.targets import KNOWN

SHEET = Path(__file__).resolve().parents[2] / "notebooks" / "reference" / "judge.csv"


def test_each_row_of_the_table_says_whether_each_level_holds() -> None:
    with SHEET.open(encoding="utf-8") as file:
        rows = {row["queue"]: row for row in csv.DictReader(file)}
    assert [*rows] == [name for name in KNOWN if name in rows], "in their order"
    assert "claims" in rows
    for name, row in rows.items():
        signs = [row[str(level)] for level in LEVELS]
        assert {*signs} <= {"✓", "✗", "–"}
        assert row["holds"] == f"{signs.count('✓')} of {len(LEVELS)}"
        assert f"python -m demo_app judge {name} " in row["how"]


def test_what_a_queue_says_of_itself_is_no_html_and_no_picture_in_the_table() -> None:
    row = {"queue": "<b>", "1": "✗", "made of": "", "told": "raised ![](//x.test)", "how": "`a`"}
    assert markdown([row]).splitlines()[2:] == [
        "| &lt;b> | ✗ |",
        "",
        "- **&lt;b>**: raised ![]&#40;//x.test). `a`",
    ]

"""The table of what people use says what the judge found."""

from __future__ import annotations

import csv
from pathlib import Path

from demo_app.judge.levels import LEVELS
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

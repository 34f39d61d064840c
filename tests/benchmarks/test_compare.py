"""Two runs of the benchmarks: what is a change, and what is noise."""

from __future__ import annotations

from benchmarks.compare import compare
from benchmarks.table import Table


def _table(rate: str, spread: str = "", title: str = "work") -> Table:
    return Table(title, ["queue", "rate", "spread"], [["ours", rate, spread]])


def test_a_number_that_moved_little_is_noise() -> None:
    found = compare([_table("1,000")], [_table("1,100")])
    assert found.rows == []
    assert found.note == "1 of 1 numbers differ by less than 15%: noise."


def test_a_number_that_halved_or_doubled_is_a_change() -> None:
    assert compare([_table("1,000")], [_table("500")]).rows == [
        ["work", "ours", "rate", "1,000", "500", "0.50"]
    ]
    assert compare([_table("0.5")], [_table("1.0")]).rows[0][-1] == "2.00"


def test_a_run_that_was_unsteady_itself_widens_what_is_noise() -> None:
    assert compare([_table("1,000", "800 to 1,600")], [_table("600")]).rows == []


def test_what_only_one_run_has_is_not_compared() -> None:
    assert compare([_table("1", title="a")], [_table("9", title="b")]).note.startswith("0 of 0")

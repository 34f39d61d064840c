"""Tests that a spreadsheet does not read a cell of a table as a formula."""

import pytest

from local_smtp.shared.escape import escape_formulas


@pytest.mark.parametrize(
    "cell",
    [
        '=HYPERLINK("http://evil.test")',
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1+1",
        "\r=1+1",
        "\n=1+1",
        "  =1+1",
        "＝1+1",
    ],
)
def test_a_cell_that_begins_like_a_formula_is_made_text(cell):
    assert escape_formulas(cell).startswith("'")


@pytest.mark.parametrize("cell", ["Reader;=1+1", 'Reader; "=1+1', "Reader;;@SUM(A1);"])
def test_no_part_of_a_cell_is_a_formula_where_a_semicolon_begins_another(cell):
    parts = escape_formulas(cell).split(";")
    assert all(part.lstrip(' "')[:1] not in {"=", "@"} for part in parts)


@pytest.mark.parametrize("cell", ["Reader", "a=b", "1 - 1", "a; b=c", "", 'O\'Brien, "Bob"'])
def test_any_other_cell_is_left_alone(cell):
    assert escape_formulas(cell) == cell

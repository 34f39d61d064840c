"""A month's comments as CSV: the right month, the right numbers, and no formula."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_app.blog.database import Database
from demo_app.blog.report import Line, as_csv, harmless, month_of_comments


def comment(database: Database, post: int, when: datetime, author="Reader", email="r@example.test"):
    with database.transaction() as rows:
        rows.execute(
            "INSERT INTO comments (post_id, author, email, body, created_at, job_id) "
            "VALUES (?, ?, ?, 'Well said.', ?, 'j')",
            (post, author, email, when.timestamp()),
        )


def test_a_month_begins_and_ends_where_it_should(database):
    comment(database, 1, datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC))
    comment(database, 1, datetime(2026, 12, 1, tzinfo=UTC), "First")
    comment(database, 1, datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), "Last", "l@example.test")
    comment(database, 1, datetime(2027, 1, 1, tzinfo=UTC))

    line = month_of_comments(database, 2026, 12)[0]

    assert (line.comments, line.readers) == (2, 2)
    assert (line.first, line.last) == ("2026-12-01 00:00", "2026-12-31 23:59")
    assert line.last_reader == "Last"


def test_a_post_without_comments_has_its_line(database):
    lines = month_of_comments(database, 2026, 11)

    assert [line.post for line in lines] == [1, 2, 3]
    assert {line.comments for line in lines} == {0}
    assert {line.last_reader for line in lines} == {""}


def test_a_month_that_there_is_not_is_refused(database):
    with pytest.raises(ValueError, match="month"):
        month_of_comments(database, 2026, 13)


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
    assert str(harmless(cell)).startswith("'")


@pytest.mark.parametrize("cell", ["Reader;=1+1", 'Reader; "=1+1', "Reader;;@SUM(A1);"])
def test_no_part_of_a_cell_is_a_formula_where_a_semicolon_begins_another(cell):
    parts = str(harmless(cell)).split(";")
    assert all(part.lstrip(' "')[:1] not in {"=", "@"} for part in parts)


@pytest.mark.parametrize("cell", ["Reader", "a=b", "1 - 1", "a; b=c", "", 'O\'Brien, "Bob"', 3])
def test_any_other_cell_is_left_alone(cell):
    assert harmless(cell) == cell


@given(st.text(), st.text())
def test_whatever_people_are_called_every_line_is_one_line_of_text(title, reader):
    line = Line(1, title, "Akiko", 1, 1, "2026-11-01 10:00", "2026-11-01 10:00", reader)

    text = as_csv([line]).decode("utf-8-sig")

    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(text.splitlines()) == 2
    assert rows[0][0] == "post"
    assert len(rows[1]) == 8
    assert all(cell.lstrip()[:1] not in {"=", "+", "-", "@"} for cell in rows[1] if cell.strip())

import csv
import io
from datetime import UTC, datetime

import pytest

from demo_app.blog.database import Database
from demo_app.blog.report import ReportLine, as_csv, month_of_comments


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
    with pytest.raises(ValueError, match="month"):
        month_of_comments(database, 2026, 13)


def test_a_post_without_comments_has_its_line(database):
    lines = month_of_comments(database, 2026, 11)
    assert [line.post for line in lines] == [1, 2, 3]
    assert {line.comments for line in lines} == {0}


def test_the_file_has_the_numbers_below_their_names():
    text = as_csv([ReportLine(1, 'Why "=1"?', "Björn", 12, 3)]).decode("utf-8-sig")
    names, row = csv.reader(io.StringIO(text, newline=""))
    assert names == ["post", "title", "author", "comments", "readers"]
    assert row == ["1", 'Why "=1"?', "Björn", "12", "3"]

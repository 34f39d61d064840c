"""A month's comments, one line a post, as a CSV file for a spreadsheet.

A spreadsheet runs a cell that begins like a formula: a reader with the name ``=HYPERLINK(...)``
could make the author's computer send away the cells next to it. So no cell is one.
"""

from __future__ import annotations

import csv
import io
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime

from demo_app.blog.database import Database
from local_smtp.escape import escape_formulas, one_line


@dataclass(frozen=True, slots=True)
class Line:
    """What readers had to say about one post in a month; moments in UTC, to the minute."""

    post: int
    title: str
    author: str
    comments: int
    readers: int
    first: str
    last: str
    last_reader: str


def month_of_comments(database: Database, year: int, month: int) -> list[Line]:
    """One line for each post, also for one without comments.

    Raises ValueError when there is no such month.
    """
    begin = datetime(year, month, 1, tzinfo=UTC)
    end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    rows = database.read(
        "SELECT posts.id, title, posts.author, count(post_id), count(DISTINCT email), "
        "min(created_at), max(created_at), coalesce(max(last), '') FROM posts "
        "LEFT JOIN (SELECT post_id, email, created_at, first_value(author) "
        "OVER (PARTITION BY post_id ORDER BY created_at DESC, id DESC) AS last "
        "FROM comments WHERE created_at >= ? AND created_at < ?) AS month ON post_id = posts.id "
        "GROUP BY posts.id ORDER BY posts.id",
        begin.timestamp(),
        end.timestamp(),
    )
    return [
        Line(post, title, author, comments, readers, _moment(first), _moment(last), reader)
        for post, title, author, comments, readers, first, last, reader in rows
    ]


def as_csv(lines: list[Line]) -> bytes:
    """The lines as RFC 4180 has it, with the mark by which a spreadsheet knows UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(field.name for field in fields(Line))
    writer.writerows(map(harmless, astuple(line)) for line in lines)
    return text.getvalue().encode("utf-8-sig", "replace")


def harmless(cell: str | int) -> str | int:
    """The cell so that no spreadsheet takes it for a formula, on one line."""
    return cell if isinstance(cell, int) else escape_formulas(one_line(cell))


def _moment(seconds: float | None) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}" if seconds else ""

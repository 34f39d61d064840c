"""A month's comments as a CSV file with a line for each post."""

import csv
import io
from datetime import UTC, datetime
from typing import NamedTuple

from demo_app.blog.database import Database


class ReportLine(NamedTuple):
    """The number of comments and of commenters (distinct addresses) of one post in one month."""

    post: int
    title: str
    author: str
    comments: int
    readers: int


def month_of_comments(database: Database, year: int, month: int) -> list[ReportLine]:
    """Return a line for each post, also for one without comments. Months are in UTC.

    Raises:
        ValueError: there is no such month.
    """
    begin = datetime(year, month, 1, tzinfo=UTC)
    end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    rows = database.read(
        "SELECT posts.id, title, posts.author, count(comments.id), count(DISTINCT comments.email) "
        "FROM posts LEFT JOIN comments "
        "ON post_id = posts.id AND created_at >= ? AND created_at < ? "
        "GROUP BY posts.id ORDER BY posts.id",
        begin.timestamp(),
        end.timestamp(),
    )
    return [ReportLine(*row) for row in rows]


def as_csv(lines: list[ReportLine]) -> bytes:
    """Return the lines as CSV (RFC 4180), with a byte order mark for spreadsheets."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([ReportLine._fields, *lines])
    return text.getvalue().encode("utf-8-sig", "replace")

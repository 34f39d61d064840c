"""Tests that a comment and its job are stored together or not at all."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import Mock

import pytest
from blog.sample import comment, tell

from demo_app.blog import outbox, posts
from demo_app.blog.database import Database, SqliteDatabase


def _count(database: Database) -> int:
    return int(database.connection().execute("SELECT count(*) FROM comments").fetchone()[0])


def test_a_comment_and_its_job_are_stored_together(database: Database) -> None:
    made, job = posts.add_comment(database, 1, "A", "a@b.test", "text", notify=tell)
    assert posts.comment(database, made.id) == made
    assert job.id == made.job_id
    assert job.arguments == {"comment_id": made.id}
    assert [entry.job for entry in outbox.pending(database)] == [job]


def test_a_failure_stores_neither(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(posts.NoSuchPost):
        posts.add_comment(database, 99, "A", "a@b.test", "text", notify=tell)
    monkeypatch.setattr(outbox, "add", Mock(side_effect=sqlite3.OperationalError))
    with pytest.raises(sqlite3.OperationalError):
        comment(database)
    assert (_count(database), outbox.size(database)) == (0, 0)


def test_comments_come_back_in_their_order(database: Database) -> None:
    for number in range(5):
        posts.add_comment(database, 2, f"A{number}", "a@b.test", "text", notify=tell)
    assert [one.author for one in posts.newest_comments(database, 2, 4)] == ["A4", "A3", "A2", "A1"]


def test_the_first_posts_are_stored_once(database: Database) -> None:
    before = posts.all_posts(database)
    posts.seed(database)
    assert posts.all_posts(database) == before
    assert len(before) == 3
    assert posts.post(database, 99) is None


def test_the_comment_count_has_a_limit(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posts, "MAX_COUNTED", 2)
    counts = []
    for _ in range(4):
        comment(database)
        counts.append(posts.count_comments(database, 1))
    assert counts == [1, 2, 3, 3]
    assert posts.count_comments(database, 2) == 0


def test_all_comments_can_be_deleted_and_the_next_one_is_number_1(database: Database) -> None:
    comment(database, "a key")
    (before,) = outbox.pending(database)
    posts.delete_all_comments(database)
    assert _count(database) == outbox.size(database) == 0
    made = comment(database)
    assert made.id == 1
    # the outbox never reuses a row number, so a relay that has read `before` finds the new row
    (after,) = outbox.pending(database, before.row)
    assert after.job.id == made.job_id


def test_the_notice_of_a_job_is_found_on_its_own_post_only(database: Database) -> None:
    made = comment(database)
    expected = posts.Notice(made.id, made.created_at, made.job_id)
    assert posts.notice_of_job(database, 1, made.job_id) == expected
    assert posts.notice_of_job(database, 2, made.job_id) is None
    assert posts.newest_notices(database, 1) == [expected]


def test_a_repeated_key_is_the_same_comment_or_is_refused(database: Database) -> None:
    first, again, other = (
        posts.add_comment(database, 1, "A", "a@b.test", "text", notify=tell, key=key)
        for key in ("k1", "k1", "k2")
    )
    assert again[0] == first[0] != other[0]
    assert again[1].id == first[1].id
    with pytest.raises(posts.KeyTaken):
        comment(database, "k1", text="another")
    assert _count(database) == outbox.size(database) == 2


def test_the_same_key_in_concurrent_requests_is_one_comment(database: Database) -> None:
    readers = 6
    at_once = threading.Barrier(readers)

    def post(_: int) -> int:
        at_once.wait(30)
        made = comment(database, "k1")
        database.close()
        return made.id

    with ThreadPoolExecutor(readers) as pool:
        assert len(set(pool.map(post, range(readers)))) == 1
    assert _count(database) == outbox.size(database) == 1


def test_writers_wait_in_line_and_not_in_sqlite(tmp_path: Path) -> None:
    blog = SqliteDatabase(tmp_path / "blog.sqlite3")
    posts.seed(blog)

    def write(number: int) -> None:
        blog.connection().execute("PRAGMA busy_timeout = 0")  # SQLite fails instead of waiting
        for _ in range(10):
            posts.add_comment(blog, 1, f"A{number}", "a@b.test", "text", notify=tell)
        blog.close()

    with ThreadPoolExecutor(8) as readers:
        list(readers.map(write, range(8)))
    assert _count(blog) == 80
    blog.close()

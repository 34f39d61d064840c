"""A comment and its job are written together, or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo_app.blog import outbox, posts
from demo_app.blog.database import Database
from demo_app.jobs import task


@task
def tell(comment_id: int) -> None:
    """Stands for a task that takes a comment's id."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "blog.sqlite3")
    posts.seed(made)
    yield made
    made.close()


def _count(database: Database) -> int:
    return int(database.connection().execute("SELECT count(*) FROM comments").fetchone()[0])


def test_a_comment_and_its_job_are_stored_together(database: Database) -> None:
    comment, job = posts.add_comment(database, 1, "A", "a@b.test", "text", notify=tell)
    assert posts.comment(database, comment.id) == comment
    assert job.id == comment.job_id
    assert job.arguments == {"comment_id": comment.id}
    assert [waiting for _, waiting in outbox.waiting(database)] == [job]


def test_a_comment_on_no_post_stores_neither(database: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        posts.add_comment(database, 99, "A", "a@b.test", "text", notify=tell)
    assert (_count(database), outbox.size(database)) == (0, 0)


def test_a_failure_between_the_two_stores_neither(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(outbox, "add", full)
    with pytest.raises(sqlite3.OperationalError):
        posts.add_comment(database, 1, "A", "a@b.test", "text", notify=tell)
    assert (_count(database), outbox.size(database)) == (0, 0)


def test_comments_come_back_in_their_order(database: Database) -> None:
    for number in range(5):
        posts.add_comment(database, 2, f"A{number}", "a@b.test", "text", notify=tell)
    assert [c.author for c in posts.comments(database, 2)] == [f"A{n}" for n in range(5)]
    assert [c.author for c in posts.comments(database, 2, limit=2)] == ["A3", "A4"]


def test_the_first_posts_are_put_in_once(database: Database) -> None:
    before = posts.all_posts(database)
    posts.seed(database)
    assert posts.all_posts(database) == before
    assert len(before) == 3
    assert posts.post(database, 99) is None

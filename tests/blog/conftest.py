"""A blog on each of its two databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo_app.blog import posts
from demo_app.blog.database import Database, SqliteDatabase
from demo_app.blog.opening import open_database
from demo_app.settings import Settings


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A new blog with its first posts."""
    made: Database
    if request.param == "sqlite":
        made = SqliteDatabase(tmp_path / "blog.sqlite3")
    else:
        made = open_database(Settings(database_url=request.getfixturevalue("postgres_url")))
    posts.seed(made)
    yield made
    made.close()

"""Fixtures that run a test twice: with SQLite and with PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo_app.blog import posts
from demo_app.blog.database import Database
from demo_app.blog.opening import open_database
from demo_app.settings import Settings


@pytest.fixture(params=["sqlite", "postgres"])
def chosen(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Return the settings of a blog whose database is still empty."""
    if request.param == "sqlite":
        return Settings(dir=tmp_path)
    return Settings(dir=tmp_path, database_url=request.getfixturevalue("postgres_url"))


@pytest.fixture
def database(chosen: Settings) -> Iterator[Database]:
    made = open_database(chosen)
    posts.seed(made)
    yield made
    made.close()

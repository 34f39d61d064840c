"""Opens the blog's database that the settings name, and PostgreSQL's driver only then."""

from __future__ import annotations

from types import ModuleType

from demo_app.blog.database import Database, DatabaseMissing, SqliteDatabase
from demo_app.settings import Settings


def open_database(chosen: Settings, *, create: bool = True) -> Database:
    """The database that the settings name. create: see `SqliteDatabase`. Raises DatabaseMissing."""
    if not chosen.database_url:
        return SqliteDatabase(chosen.database, create=create)
    made: Database = _postgres().PostgresDatabase(chosen.database_url, create=create)
    return made


def check_server(url: str) -> str:
    """What server it is at an address of PostgreSQL. Raises DatabaseMissing when it can't be used,
    whether a blog is there or not."""
    return str(_postgres().check(url))


def _postgres() -> ModuleType:
    """The module, and with it the driver. Raises DatabaseMissing when that is not installed."""
    try:
        from demo_app.blog import postgres
    except ImportError as error:
        raise DatabaseMissing(
            "DEMO_DATABASE_URL needs the driver psycopg, as in "
            f"`pip install 'jobs-that-survive[postgres]'`: {str(error).splitlines()[0]}"
        ) from None
    return postgres

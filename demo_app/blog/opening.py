"""Access to the blog's database. PostgreSQL's driver is imported only if it is needed."""

from types import ModuleType

from demo_app.blog.database import Database, DatabaseMissing, SqliteDatabase
from demo_app.settings import Settings


def open_database(chosen: Settings, *, create: bool = True) -> Database:
    """Open the database of the settings. See `SqliteDatabase` for `create` and the errors."""
    if not chosen.database_url:
        return SqliteDatabase(chosen.database, create=create)
    made: Database = _postgres().PostgresDatabase(chosen.database_url, create=create)
    return made


def check_server(url: str) -> str:
    """Connect to a PostgreSQL server, and return its version and address as text.

    Raises:
        DatabaseMissing: the server cannot be used, or the driver is not installed.
    """
    return str(_postgres().check(url))


def _postgres() -> ModuleType:
    try:
        from demo_app.blog import postgres
    except ImportError as error:
        raise DatabaseMissing(
            f"DEMO_DATABASE_URL needs the driver psycopg ({str(error).splitlines()[0]}): "
            "install it with `pip install 'jobs-that-survive[postgres]'`"
        ) from None
    return postgres

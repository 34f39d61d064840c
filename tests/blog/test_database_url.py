"""Tests of an unusable DEMO_DATABASE_URL: programs print the reason, and never the password."""

import os
from pathlib import Path

import pytest
from postgres_server import PostgresServer
from programs import POSTGRES, needs
from pydantic import ValidationError
from support import administer, most_nightly, run_python

from demo_app.blog.database import DatabaseMissing
from demo_app.blog.opening import check_server
from demo_app.broker.connection import masked
from demo_app.settings import Settings

PROGRAMS = {
    "up": ["demo_app", "up", "--json"],
    "web": ["demo_app.web"],
    "worker": ["celery", "-A", "demo_app.worker", "worker"],
    "doctor": ["demo_app", "doctor"],
}
NOBODY = "postgresql://me:secret@127.0.0.1:1/blog"


def _error_of(program: str, tmp_path: Path, **settings: str) -> str:
    where = {"DEMO_TOKEN": "0123456789abcdef", "DEMO_DIR": str(tmp_path)}
    ended = run_python("-m", *PROGRAMS[program], **where, **settings)
    output = ended.stdout + ended.stderr
    assert ended.returncode != 0, output
    assert "Traceback" not in output
    assert "secret" not in output
    return output


@pytest.mark.parametrize("name", ["a file/blog", "broken"])
def test_a_file_that_can_not_be_a_database(name: str, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/blog.sqlite3").write_text("not a database, but a longer text " * 9)
    assert f"{tmp_path / name}/blog.sqlite3 can't be used: " in _error_of("web", tmp_path / name)


@pytest.mark.parametrize(
    ("name", "value"), [("DEMO_TASKS", "no.module"), ("DEMO_BACKEND", "pigeons")]
)
def test_a_setting_that_names_nothing(name: str, value: str, tmp_path: Path) -> None:
    assert value in _error_of("web", tmp_path, **{name: value})


@pytest.fixture(autouse=True)
def _driver() -> None:
    needs(POSTGRES)


@pytest.mark.parametrize("program", most_nightly(PROGRAMS, "up", "worker"))
def test_a_server_that_does_not_answer(program: str, redis_url: str, tmp_path: Path) -> None:
    output = _error_of(program, tmp_path, DEMO_DATABASE_URL=NOBODY, DEMO_REDIS_URL=redis_url)
    assert "postgresql://me:***@127.0.0.1:1/blog can't be used: " in output
    assert "Connection refused" in output


@pytest.mark.parametrize("program", most_nightly(["up", "web", "worker"], "web"))
def test_a_driver_that_is_not_installed(program: str, redis_url: str, tmp_path: Path) -> None:
    (tmp_path / "psycopg.py").write_text("raise ImportError('no module here')")
    found = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    urls = {"DEMO_DATABASE_URL": NOBODY, "DEMO_REDIS_URL": redis_url}
    output = _error_of(program, tmp_path, **urls, PYTHONPATH=found)
    assert "pip install 'jobs-that-survive[postgres]'" in output


def test_an_outdated_server(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo_app.blog.postgres.OLDEST", 1000)
    with pytest.raises(DatabaseMissing, match=r"is PostgreSQL \d+ .* needs 1000"):
        check_server(postgres.url)


def test_a_database_without_unicode(postgres: PostgresServer) -> None:
    administer(postgres, "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(DatabaseMissing, match="with the encoding LATIN1"):
        check_server(postgres.url.replace("/postgres?", "/latin?"))
    administer(postgres, "DROP DATABASE latin")


def test_a_server_that_can_be_used_is_named(postgres: PostgresServer) -> None:
    assert check_server(postgres.url).startswith("PostgreSQL 1")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:sec/ret@host/blog",
        "postgresql://me:12/sec@host/blog",
        "postgresql://me:sec@ret@host/blog",
        "postgresql://me:sec#ret@host/blog",
        "postgresql://me:sec?ret@host/blog",
        "sqlite:///sec",
        "sec",
    ],
)
def test_an_ambiguous_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValidationError, match="%2F") as refused:
        Settings(database_url=url)
    assert "sec" not in str(refused.value).replace("sec_", "")
    assert "sec" not in masked(url).partition("://")[2] or url.startswith("sqlite")


def test_an_unreadable_url_is_refused_without_its_password() -> None:
    with pytest.raises(DatabaseMissing, match="is not the address") as refused:
        check_server("postgresql://me:100%secret@host/blog")
    assert "secret" not in str(refused.value)

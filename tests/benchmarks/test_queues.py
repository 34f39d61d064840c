"""What the benchmark compares is three queues that work: each job is taken once, then gone."""

from __future__ import annotations

import sys

import pytest
from support import client_of

from benchmarks.stores import OurScripts, PostgresTable, RedisLists, SqliteTable


@pytest.fixture(params=["lists", "ours", "table"])
def connect(request, redis_url, tmp_path):
    client = client_of(redis_url)
    client.flushall()
    client.close()
    return {
        "lists": lambda: RedisLists(redis_url),
        "ours": lambda: OurScripts(redis_url),
        "table": lambda: SqliteTable(tmp_path / "jobs.sqlite3", "FULL"),
    }[request.param]


def test_two_workers_never_take_the_same_job(connect):
    one, other = connect(), connect()
    for _ in range(3):
        one.put()

    taken = [one.take(), other.take(), one.take()]

    assert None not in taken
    assert len(set(taken)) == 3
    assert other.take() is None


def test_what_is_acknowledged_is_gone_and_what_is_filled_in_is_there(connect):
    queue = connect()
    queue.fill(1000)
    for _ in range(1000):
        queue.done(queue.take())

    assert queue.take() is None


def test_a_driver_that_is_missing_is_named_with_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(ImportError, match=r"DEMO_POSTGRES_URL .* pip install 'psycopg\[binary\]'"):
        PostgresTable("postgresql://nowhere", "on")

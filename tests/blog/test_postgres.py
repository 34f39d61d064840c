"""Tests that need PostgreSQL, such as those of late commits and of a killed server."""

import ctypes
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from blog.sample import comment, queued, tell
from postgres_server import PostgresServer
from support import administer, until

from demo_app.backends.celery import CeleryBackend
from demo_app.blog import outbox, posts
from demo_app.blog.database import Database, DatabaseDown
from demo_app.blog.relay import Relay
from demo_app.broker.queue import Queue
from demo_app.settings import Settings


@pytest.fixture
def chosen(postgres_url: str) -> Settings:
    return Settings(database_url=postgres_url)


def _count(database: Database) -> int:
    return posts.count_comments(database, 1)


def _waits_for_a_lock(database: Database) -> bool:
    found = database.connection().execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
    return bool(found.fetchone()[0])


def test_the_relay_does_not_skip_a_late_commit(database: Database, store: Queue) -> None:
    relay = Relay(database, CeleryBackend(store))
    slow = tell.job(1)
    written, go_on = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with database.transaction() as transaction:
            # the row gets its number now; its commit waits for `go_on`
            outbox.add(transaction, slow)
            written.set()
            go_on.wait(30)
        database.close()

    def write_quickly() -> str:
        made = comment(database)
        database.close()
        return made.job_id

    with ThreadPoolExecutor(2) as pool:
        late = pool.submit(write_slowly)
        written.wait(30)
        # this row gets a higher number, so it must not be committed first
        quick = pool.submit(write_quickly)
        until(lambda: quick.done() or _waits_for_a_lock(database), what="the second writer")
        relay.hand_over()
        go_on.set()
        late.result(30)
        second = quick.result(30)
    relay.hand_over()
    assert queued(store) == [slow.id, second]


def test_a_connection_is_opened_again(database: Database, postgres: PostgresServer) -> None:
    comment(database)
    postgres.kill()
    postgres.start()
    assert _count(database) == 1, "a statement by itself"
    postgres.kill()
    postgres.start()
    comment(database)  # this reconnect happens within a transaction
    postgres.kill()
    for ask in (comment, _count, outbox.size):
        with pytest.raises(DatabaseDown, match="no connection to the database"):
            ask(database)
    postgres.start()
    comment(database)
    assert _count(database) == outbox.size(database) == 3


def test_the_commit_of_a_failed_transaction_is_an_error(database: Database) -> None:
    def ignore_an_error() -> None:
        with database.transaction() as transaction:
            outbox.add(transaction, tell.job(1))
            with pytest.raises(DatabaseDown):
                transaction.execute("SELECT nothing")

    with pytest.raises(DatabaseDown, match="rolled back"):
        ignore_an_error()
    assert outbox.size(database) == 0


def test_a_connection_can_be_used_after_an_interrupt(database: Database) -> None:
    class TimeIsUp(BaseException):
        """A stand-in for the exception of a time limit, which can be raised at any line."""

    threads: list[int] = []

    def run_for_long() -> int:
        threads.append(threading.get_ident())
        with pytest.raises(TimeIsUp):
            # the driver's C code can't be interrupted, only the lines after it
            database.connection().execute("SELECT pg_advisory_lock(1)")
        found = _count(database)
        database.close()
        return found

    database.connection().execute("SELECT pg_advisory_lock(1)")
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(run_for_long)
        until(lambda: _waits_for_a_lock(database), what="the long statement")
        thread = ctypes.c_ulong(threads[0])
        ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(TimeIsUp))
        database.connection().execute("SELECT pg_advisory_unlock(1)")
        assert job.result(30) == 0


def test_a_commit_is_synchronous_although_the_server_s_default_is_not(
    database: Database, postgres: PostgresServer, postgres_url: str
) -> None:
    name = postgres_url.partition("/t")[2].partition("?")[0]
    administer(
        postgres,
        f"ALTER DATABASE t{name} SET synchronous_commit = off",
        f"ALTER DATABASE t{name} SET default_transaction_isolation = serializable",
    )
    database.close()
    with database.transaction() as transaction:
        shown = [
            transaction.execute(f"SHOW {setting}").fetchone()[0]
            for setting in ("synchronous_commit", "transaction_isolation")
        ]
    assert shown == ["on", "read committed"]
    database.close()
    database.sync_later()
    assert database.connection().execute("SHOW synchronous_commit").fetchone()[0] == "off"


def test_a_null_character_is_replaced(database: Database) -> None:
    found = posts.comment(database, comment(database, "key\0", text="a\0b").id)
    assert found.body == "a\ufffdb"
    assert comment(database, "key\0", text="a\0b") == found  # the same request again

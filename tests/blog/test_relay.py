"""The relay hands over in order, and forgets nothing while the queue is away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support import client_of, until

from demo_app.blog import outbox, posts
from demo_app.blog.database import Database
from demo_app.blog.relay import Relay
from demo_app.jobs import task
from demo_app.jobs.backends.celery import CeleryBackend
from demo_app.queue.connection import connect
from demo_app.queue.history import State
from demo_app.queue.look import page
from demo_app.queue.store import Store


@task(queue_name="mail")
def tell(comment_id: int) -> None:
    """Stands for a task that takes a comment's id."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "blog.sqlite3")
    posts.seed(made)
    yield made
    made.close()


def _comment(database: Database) -> str:
    return posts.add_comment(database, 1, "A", "a@b.test", "text", notify=tell)[1].id


def _queued(store: Store) -> list[str]:
    return [job.id for job in page(store.client, State.QUEUED).jobs]


def test_jobs_are_handed_over_in_the_order_in_which_they_were_written(
    database: Database, store: Store
) -> None:
    sent = [_comment(database) for _ in range(10)]
    assert Relay(database, CeleryBackend(store)).hand_over() == 10
    assert _queued(store) == sent
    assert outbox.size(database) == 0


def test_a_relay_that_died_before_it_forgot_hands_over_twice_and_counts_once(
    database: Database, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [_comment(database) for _ in range(3)]
    relay = Relay(database, CeleryBackend(store))
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "remove", lambda *_: None)  # as if it was killed right before
        relay.hand_over()
    assert outbox.size(database) == 3
    relay.hand_over()
    assert _queued(store) == sent
    assert store.summary()["count"]["enqueued"] == 3


def test_while_redis_is_away_the_outbox_keeps_the_jobs(
    database: Database, store: Store, redis_url: str, tmp_path: Path
) -> None:
    away = Store(connect(f"redis+socket://{tmp_path}/nobody.sock"))
    backend = CeleryBackend(away)
    relay = Relay(database, backend)
    relay.start()
    sent = [_comment(database) for _ in range(3)]
    relay.wake()
    until(lambda: relay.trouble, what="the relay's complaint")
    assert outbox.size(database) == 3
    backend._store = Store(client_of(redis_url))  # Redis is back
    until(lambda: outbox.size(database) == 0, what="the handing over")
    relay.stop()
    assert _queued(store) == sent


def test_a_delayed_job_comes_out_of_the_outbox_as_it_went_in(database: Database) -> None:
    job = tell.using(run_after=datetime(2030, 1, 1, tzinfo=UTC), priority=5).job(7)
    with database.transaction() as transaction:
        outbox.add(transaction, job)
    assert outbox.waiting(database)[0][1] == job

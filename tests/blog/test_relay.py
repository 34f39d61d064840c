"""The relay hands over in order, and forgets nothing while the queue is away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from support import client_of, until

from demo_app.backends.celery import CeleryBackend
from demo_app.blog import outbox, posts
from demo_app.blog.database import Database
from demo_app.blog.relay import Relay
from demo_app.broker.connection import connect
from demo_app.broker.events import State
from demo_app.broker.inspect import page
from demo_app.broker.queue import Queue
from demo_app.jobs import task


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


def _queued(store: Queue) -> list[str]:
    return [job.id for job in page(store.client, State.QUEUED).jobs]


def test_jobs_are_handed_over_in_the_order_in_which_they_were_written(
    database: Database, store: Queue
) -> None:
    sent = [_comment(database) for _ in range(10)]
    relay = Relay(database, CeleryBackend(store))
    assert relay.hand_over() == 10
    assert _queued(store) == sent
    relay.confirm()
    assert outbox.size(database) == 0


def test_a_relay_that_died_before_it_forgot_hands_over_twice_and_counts_once(
    database: Database, store: Queue
) -> None:
    sent = [_comment(database) for _ in range(3)]
    Relay(database, CeleryBackend(store)).hand_over()
    assert outbox.size(database) == 3
    Relay(database, CeleryBackend(store)).hand_over()
    assert _queued(store) == sent
    assert store.summary()["count"]["enqueued"] == 3


def test_while_redis_is_away_the_outbox_keeps_the_jobs(
    database: Database, store: Queue, redis_url: str, tmp_path: Path
) -> None:
    away = Queue(connect(f"redis+socket://{tmp_path}/nobody.sock"))
    backend = CeleryBackend(away)
    relay = Relay(database, backend)
    relay.start()
    sent = [_comment(database) for _ in range(3)]
    relay.wake()
    until(lambda: relay.trouble, what="the relay's complaint")
    assert outbox.size(database) == 3
    backend._store = Queue(client_of(redis_url))  # Redis is back
    until(lambda: outbox.size(database) == 0, what="the handing over")
    relay.stop()
    assert _queued(store) == sent


def test_a_delayed_job_comes_out_of_the_outbox_as_it_went_in(database: Database) -> None:
    job = tell.using(run_after=datetime(2030, 1, 1, tzinfo=UTC), priority=5).job(7)
    with database.transaction() as transaction:
        outbox.add(transaction, job)
    assert outbox.pending(database)[0].job == job


def test_what_redis_loses_before_it_has_written_it_is_handed_over_again(
    database: Database, store: Queue
) -> None:
    first, second = _comment(database), _comment(database)
    relay = Relay(database, CeleryBackend(store))
    relay.hand_over()
    store.client.flushall()  # as after a SIGKILL that took what was answered and not yet written
    relay.confirm()
    assert outbox.size(database) == 2
    relay.hand_over()
    relay.confirm()
    assert _queued(store) == [first, second]
    assert outbox.size(database) == 0


def test_nothing_is_forgotten_when_redis_goes_before_it_has_confirmed(
    database: Database, store: Queue, redis_url: str, tmp_path: Path
) -> None:
    sent = [_comment(database) for _ in range(3)]
    backend = CeleryBackend(store)
    relay = Relay(database, backend)
    relay.hand_over()
    backend._store = Queue(connect(f"redis+socket://{tmp_path}/nobody.sock"))
    with pytest.raises(redis.ConnectionError):
        relay.confirm()
    assert outbox.size(database) == relay.size() == 3
    backend._store = Queue(client_of(redis_url))
    backend._store.client.flushall()
    relay.hand_over()
    assert _queued(store) == sent


def test_a_job_that_is_handed_over_counts_as_the_queues_before_it_is_forgotten(
    database: Database, store: Queue
) -> None:
    sent = _comment(database)
    relay = Relay(database, CeleryBackend(store))
    assert (relay.size(), relay.handed_over()) == (1, set())
    relay.hand_over()
    assert (relay.size(), relay.handed_over()) == (0, {sent})
    assert outbox.size(database) == 1
    relay.confirm()
    assert (relay.size(), relay.handed_over()) == (0, set())


def test_a_job_that_the_backend_does_not_do_lets_the_others_pass(
    database: Database, store: Queue
) -> None:
    first = _comment(database)
    with database.transaction() as transaction:
        outbox.add(transaction, tell.using(queue_name="nobody's").job(7))
    last = _comment(database)
    relay = Relay(database, CeleryBackend(store))
    relay.hand_over()
    relay.confirm()
    assert _queued(store) == [first, last]
    assert (relay.size(), outbox.size(database)) == (1, 1)
    assert "nobody's" in relay.trouble
    assert relay.hand_over() == 0
    assert Relay(database, CeleryBackend(store)).hand_over() == 1  # the next start tries again


@pytest.mark.parametrize(
    "record",
    [
        "not JSON",
        "null",
        "{}",
        '{"task": "t", "arguments": {}, "from_a_later_version": 1}',
        '{"task": "t", "arguments": []}',
        '{"task": "t", "arguments": {}, "run_after": "soon"}',
        '{"task": "t", "arguments": {}, "priority": "high"}',
    ],
)
def test_a_row_that_can_not_be_read_is_set_aside_visibly_and_the_others_pass(
    database: Database, store: Queue, record: str
) -> None:
    first = _comment(database)
    with database.transaction() as transaction:
        transaction.execute("INSERT INTO outbox (job_id, job) VALUES ('odd', ?)", (record,))
    last = _comment(database)
    relay = Relay(database, CeleryBackend(store))

    assert relay.hand_over() == 3
    relay.confirm()

    assert _queued(store) == [first, last]
    assert (relay.size(), outbox.size(database)) == (1, 1)
    assert "1 set aside: the job odd can't be read" in relay.trouble
    assert relay.hand_over() == 0


def test_a_relay_that_ends_in_good_order_leaves_nothing_to_hand_over_twice(
    database: Database, store: Queue
) -> None:
    sent = [_comment(database) for _ in range(3)]
    relay = Relay(database, CeleryBackend(store))
    relay.start()
    until(lambda: _queued(store) == sent, what="the handing over")
    relay.stop()
    assert outbox.size(database) == 0


def test_a_new_beginning_in_the_middle_of_a_batch_passes_over_no_row(
    database: Database, store: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [_comment(database) for _ in range(3)]
    relay = Relay(database, CeleryBackend(store))
    with monkeypatch.context() as patch:
        # at this moment the other thread finds that Redis has lost something
        patch.setattr(store, "enqueue_many", lambda *_, **__: relay._start_again())
        relay.hand_over()
    relay.hand_over()
    assert _queued(store) == sent

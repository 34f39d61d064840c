"""Tests that the relay enqueues jobs in order, and that the outbox keeps the jobs while the
queue is down."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import redis
from blog.sample import comment, queued, tell
from support import client_of, until

from demo_app.backends.celery import CeleryBackend
from demo_app.blog import outbox
from demo_app.blog.database import Database
from demo_app.blog.opening import open_database
from demo_app.blog.relay import Relay
from demo_app.broker.claim import Disposition
from demo_app.broker.connection import connect
from demo_app.broker.queue import Queue
from demo_app.jobs.backend import Backend
from demo_app.jobs.job import Job
from demo_app.settings import Settings


def _settle(relay: Relay) -> None:
    """Let the relay check each row of the outbox once, for finished jobs and for lost jobs."""
    while relay.settle():
        pass


def _work(store: Queue, job_id: str, how: Disposition = Disposition.DONE) -> None:
    store.register("w", 60_000, "{}")
    (claimed,) = store.claim("w", ["mail"])
    assert claimed.claim.id == job_id
    store.finish(claimed.claim, how, after=60.0 if how is Disposition.RETRY else None)


def test_a_relay_that_died_before_it_forgot_hands_over_twice_and_counts_once(
    database: Database, store: Queue
) -> None:
    sent = [comment(database).job_id for _ in range(3)]
    Relay(database, CeleryBackend(store)).hand_over()
    assert outbox.size(database) == 3
    Relay(database, CeleryBackend(store)).hand_over()
    assert queued(store) == sent
    assert store.snapshot().count["enqueued"] == 3


def test_two_relays_hand_each_job_over_once_and_forget_it_when_it_is_done(
    database: Database, chosen: Settings, store: Queue
) -> None:
    other = open_database(chosen)
    relays = [Relay(one, CeleryBackend(store), at_once=3) for one in (database, other)]
    for relay in relays:
        relay.start()
    sent = [comment(one).job_id for _ in range(15) for one in (database, other)]
    for relay in relays:
        relay.wake()
    until(lambda: not any(relay.size() for relay in relays), what="both have seen every row")
    assert queued(store) == sent
    assert store.snapshot().count["enqueued"] == len(sent)
    for job_id in sent:
        _work(store, job_id)
    until(lambda: outbox.size(database) == 0, what="the outbox's end")
    for relay in relays:
        relay.stop()
    other.close()
    assert [relay.trouble for relay in relays] == ["", ""]
    assert store.snapshot().count["enqueued"] == len(sent)


def test_while_redis_is_away_the_outbox_keeps_the_jobs(
    database: Database, store: Queue, redis_url: str, tmp_path: Path
) -> None:
    away = Queue(connect(f"redis+socket://{tmp_path}/nobody.sock"))
    backend = CeleryBackend(away)
    relay = Relay(database, backend)
    relay.start()
    sent = [comment(database).job_id for _ in range(3)]
    relay.wake()
    until(lambda: relay.trouble, what="the relay's complaint")
    assert outbox.size(database) == 3
    backend._store = Queue(client_of(redis_url))  # from now on Redis can be reached
    until(lambda: relay.size() == 0, what="the handing over")
    relay.stop()
    assert queued(store) == sent


@pytest.mark.parametrize(
    ("how", "kept"),
    [
        (Disposition.DONE, False),
        (Disposition.DISCARD, False),
        (Disposition.DEAD, True),  # a person may still retry the job
        (Disposition.RETRY, True),
        (Disposition.REQUEUE, True),
    ],
)
def test_how_a_job_ends_says_whether_its_row_stays(
    database: Database, store: Queue, how: Disposition, kept: bool
) -> None:
    sent = comment(database).job_id
    relay = Relay(database, CeleryBackend(store))
    relay.hand_over()
    _work(store, sent, how)
    _settle(relay)
    assert (outbox.size(database) == 1) is kept
    assert relay.hand_over() == 0, "nothing of it is handed over again"


def test_what_a_wiped_redis_has_lost_is_handed_over_again_in_its_order(
    database: Database, store: Queue
) -> None:
    sent = [comment(database).job_id for _ in range(4)]
    relay = Relay(database, CeleryBackend(store))
    relay.hand_over()
    _work(store, sent[0])
    _settle(relay)
    store.client.flushall()
    sent.append(comment(database).job_id)
    _settle(relay)
    assert relay.size() == 4
    relay.hand_over()
    assert queued(store) == sent[1:]


def test_nothing_is_forgotten_while_redis_can_not_be_asked(
    database: Database, store: Queue, redis_url: str, tmp_path: Path
) -> None:
    sent = [comment(database).job_id for _ in range(3)]
    backend = CeleryBackend(store)
    relay = Relay(database, backend)
    relay.hand_over()
    backend._store = Queue(connect(f"redis+socket://{tmp_path}/nobody.sock"))
    with pytest.raises(redis.ConnectionError):
        relay.settle()
    assert outbox.size(database) == 3
    backend._store = Queue(client_of(redis_url))
    backend._store.client.flushall()
    _settle(relay)
    relay.hand_over()
    assert queued(store) == sent


def test_a_long_outbox_is_asked_about_from_end_to_end(database: Database, store: Queue) -> None:
    sent = [comment(database).job_id for _ in range(5)]
    relay = Relay(database, CeleryBackend(store), at_once=2)
    while relay.hand_over():
        pass
    _work(store, sent[0])
    store.client.delete(f"job:{sent[3]}")
    _settle(relay)
    assert set(outbox.rows_by_job_id(database, sent)) == set(sent[1:])
    assert relay.size() == 2, "the lost one, and what came behind it"


def test_a_backend_that_keeps_no_results_is_believed(database: Database) -> None:
    class Silent(Backend):
        name = "silent"

        def _enqueue(self, jobs: list[Job]) -> None:
            """Drop the jobs. This backend keeps no states that a relay could read."""

    comment(database)
    Relay(database, Silent()).hand_over()
    assert outbox.size(database) == 0


def test_a_job_is_kept_before_it_is_handed_over(database: Database, store: Queue) -> None:
    """The relay must call `keep` first. Otherwise the backend could delete the done job before the
    relay reads its state; the relay would consider the job lost, and enqueue it again."""
    kept: list[list[str]] = []

    class Watched(CeleryBackend):
        def _enqueue(self, jobs: list[Job]) -> None:
            kept.append(self.kept())
            super()._enqueue(jobs)

    sent = comment(database).job_id
    Relay(database, Watched(store)).hand_over()
    assert kept == [[sent]]
    assert queued(store) == [sent]


def test_without_the_safeguard_a_row_goes_as_soon_as_the_queue_has_the_job(
    database: Database, store: Queue
) -> None:
    comment(database)
    Relay(database, CeleryBackend(store), keep=False).hand_over()
    assert outbox.size(database) == 0


def test_only_what_waits_to_be_handed_over_counts_as_not_with_the_queue(
    database: Database, store: Queue
) -> None:
    sent = comment(database).job_id
    relay = Relay(database, CeleryBackend(store))
    (row,) = outbox.rows_by_job_id(database, [sent]).values()
    assert (relay.size(), relay.has_handed_over(row)) == (1, False)
    relay.hand_over()
    assert (relay.size(), relay.has_handed_over(row)) == (0, True)


def test_a_job_that_the_backend_does_not_do_lets_the_others_pass(
    database: Database, store: Queue
) -> None:
    first = comment(database).job_id
    with database.transaction() as transaction:
        outbox.add(transaction, tell.using(queue_name="nobody's").job(7))
    last = comment(database).job_id
    relay = Relay(database, CeleryBackend(store))
    relay.hand_over()
    _settle(relay)
    assert queued(store) == [first, last]
    assert (relay.size(), outbox.size(database)) == (1, 3)
    assert "nobody's" in relay.trouble
    assert relay.hand_over() == 0
    # after a restart the relay tries again
    assert Relay(database, CeleryBackend(store)).hand_over() == 3


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
    first = comment(database).job_id
    with database.transaction() as transaction:
        transaction.execute("INSERT INTO outbox (job_id, job) VALUES ('odd', ?)", (record,))
    last = comment(database).job_id
    relay = Relay(database, CeleryBackend(store))

    assert relay.hand_over() == 3
    _settle(relay)

    assert queued(store) == [first, last]
    assert (relay.size(), outbox.size(database)) == (1, 3)
    assert "1 set aside: the job odd can't be read" in relay.trouble
    assert relay.hand_over() == 0


def test_a_new_beginning_in_the_middle_of_a_batch_passes_over_no_row(
    database: Database, store: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [comment(database).job_id]
    relay = Relay(database, CeleryBackend(store))
    relay.hand_over()
    sent += [comment(database).job_id for _ in range(3)]

    def wiped(*_: object, **__: object) -> None:
        store.client.flushall()
        # as if the relay's other thread found at this moment that Redis has lost the first job
        _settle(relay)

    with monkeypatch.context() as patch:
        patch.setattr(store, "enqueue_many", wiped)
        relay.hand_over()
    relay.hand_over()
    assert queued(store) == sent


def test_a_relay_whose_database_can_not_be_opened_at_first_goes_on(
    database: Database, store: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    comment(database)
    tries, prepare = [], type(database).sync_later

    def sync_later(self: Database) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise sqlite3.OperationalError("unable to open database file")
        prepare(self)

    monkeypatch.setattr(type(database), "sync_later", sync_later)
    relay = Relay(database, CeleryBackend(store))
    relay.start()
    try:
        until(lambda: store.size(["mail"]) == 1, what="the job in the queue")
    finally:
        relay.stop()

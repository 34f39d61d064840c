"""Tests that the relay enqueues jobs in order, and that the outbox keeps the jobs while the
queue is down."""

import re
import sqlite3
from pathlib import Path

import pytest
import redis
from blog.sample import comment, queued
from support import until

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


@pytest.fixture
def relay(database: Database, store: Queue) -> Relay:
    return Relay(database, CeleryBackend(store))


def _nowhere(tmp_path: Path) -> Queue:
    """Return a queue whose Redis does not exist."""
    return Queue(connect(f"redis+socket://{tmp_path}/nobody.sock"))


def _settle(relay: Relay) -> None:
    """Let the relay check each row of the outbox once, for finished jobs and for lost jobs."""
    while relay.settle():
        pass


def _work(store: Queue, job_id: str, how: Disposition = Disposition.DONE) -> None:
    store.register("w", 60_000, "{}")
    (claimed,) = store.claim("w", ["mail"])
    assert claimed.claim.id == job_id
    store.finish(claimed.claim, how, after=60.0 if how is Disposition.RETRY else None)


def test_two_relays_send_each_job_once(database: Database, chosen: Settings, store: Queue) -> None:
    other = open_database(chosen)
    relays = [Relay(one, CeleryBackend(store), at_once=3) for one in (database, other)]
    for relay in relays:
        relay.start()
    sent = [comment(one).job_id for _ in range(15) for one in (database, other)]
    for relay in relays:
        relay.wake()
    until(lambda: not any(relay.size() for relay in relays), what="both have read every row")
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


def test_the_outbox_waits_for_redis(database: Database, store: Queue, tmp_path: Path) -> None:
    backend = CeleryBackend(_nowhere(tmp_path))
    relay = Relay(database, backend)
    relay.start()
    sent = [comment(database).job_id for _ in range(3)]
    relay.wake()
    until(lambda: relay.trouble, what="the relay's error")
    assert outbox.size(database) == 3
    backend._store = store
    until(lambda: relay.size() == 0, what="the next try")
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
def test_a_row_stays_until_its_job_is_done_or_discarded(
    database: Database, relay: Relay, store: Queue, how: Disposition, kept: bool
) -> None:
    sent = comment(database).job_id
    (row,) = outbox.rows_by_job_id(database, [sent]).values()
    assert (relay.size(), relay.has_handed_over(row)) == (1, False)
    relay.hand_over()
    assert (relay.size(), relay.has_handed_over(row)) == (0, True)
    _work(store, sent, how)
    _settle(relay)
    assert (outbox.size(database) == 1) is kept
    assert relay.hand_over() == 0, "it is not handed over again"


def test_lost_jobs_are_handed_over_again(database: Database, store: Queue, tmp_path: Path) -> None:
    sent = [comment(database).job_id for _ in range(4)]
    backend = CeleryBackend(store)
    relay = Relay(database, backend)
    relay.hand_over()
    _work(store, sent[0])
    _settle(relay)
    backend._store = _nowhere(tmp_path)
    with pytest.raises(redis.ConnectionError):
        relay.settle()
    assert outbox.size(database) == 3, "no row is deleted while Redis is down"
    backend._store = store
    store.client.flushall()
    sent.append(comment(database).job_id)
    _settle(relay)
    assert relay.size() == 4
    relay.hand_over()
    assert queued(store) == sent[1:]


def test_a_long_outbox_is_settled_in_batches(database: Database, store: Queue) -> None:
    sent = [comment(database).job_id for _ in range(5)]
    relay = Relay(database, CeleryBackend(store), at_once=2)
    while relay.hand_over():
        pass
    _work(store, sent[0])
    store.client.delete(f"job:{sent[3]}")
    _settle(relay)
    assert set(outbox.rows_by_job_id(database, sent)) == set(sent[1:])
    assert relay.size() == 2, "the lost one, and the next one"


def test_a_row_without_results_is_deleted_at_once(database: Database, store: Queue) -> None:
    class Silent(Backend):
        name = "silent"

        def _enqueue(self, jobs: list[Job]) -> None:
            """Drop the jobs. This backend keeps no states that a relay could read."""

    for relay in (Relay(database, Silent()), Relay(database, CeleryBackend(store), keep=False)):
        comment(database)
        relay.hand_over()
        assert outbox.size(database) == 0


def test_a_result_is_kept_before_its_job_is_enqueued(database: Database, store: Queue) -> None:
    """The relay must call `keep` first. Otherwise the backend could delete the done job before the
    relay reads its state; the relay would consider the job lost, and enqueue it again."""
    kept: list[list[str]] = []

    class Watched(CeleryBackend):
        def _enqueue(self, jobs: list[Job]) -> None:
            kept.append(self.kept())
            super()._enqueue(jobs)

    sent = comment(database).job_id
    Relay(database, Watched(store)).hand_over()
    assert kept == [queued(store)] == [[sent]]


@pytest.mark.parametrize(
    ("record", "trouble"),
    [
        ("not JSON", "the job odd can't be read"),
        ("null", "the job odd can't be read"),
        ("{}", "the job odd can't be read"),
        ('{"task": "t", "arguments": {}, "from_a_later_version": 1}', "the job odd can't be read"),
        ('{"task": "t", "arguments": []}', "the job odd can't be read"),
        ('{"task": "t", "arguments": {}, "run_after": "soon"}', "the job odd can't be read"),
        ('{"task": "t", "arguments": {}, "priority": "high"}', "the job odd can't be read"),
        ('{"task": "t", "arguments": {}, "queue_name": "lost"}', "no worker consumes .* 'lost'"),
    ],
)
def test_an_unreadable_or_refused_row_is_reported_and_does_not_block_others(
    database: Database, relay: Relay, store: Queue, record: str, trouble: str
) -> None:
    first = comment(database).job_id
    with database.transaction() as transaction:
        transaction.execute("INSERT INTO outbox (job_id, job) VALUES ('odd', ?)", (record,))
    last = comment(database).job_id
    assert relay.hand_over() == 3
    _settle(relay)
    assert queued(store) == [first, last]
    assert (relay.size(), outbox.size(database)) == (1, 3)
    assert re.match(f"1 set aside: .*{trouble}", relay.trouble)
    assert relay.hand_over() == 0
    # after a restart the relay tries again
    assert Relay(database, CeleryBackend(store)).hand_over() == 3


def test_a_loss_that_is_found_during_a_batch_skips_no_row(
    database: Database, relay: Relay, store: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [comment(database).job_id]
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


def test_a_relay_continues_after_its_database_could_not_be_opened(
    database: Database,
    relay: Relay,
    store: Queue,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    comment(database)
    tries, prepare = [], type(database).sync_later

    def sync_later(self: Database) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise sqlite3.OperationalError("unable to open database file")
        prepare(self)

    monkeypatch.setattr(type(database), "sync_later", sync_later)
    relay.start()
    try:
        until(lambda: store.size(["mail"]) == 1, what="the job in the queue")
    finally:
        relay.stop()
    assert "unable to open database file" in caplog.text
    assert "queue does not answer" not in caplog.text

"""The relay hands over in order, and forgets nothing while the queue is away."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from support import client_of, redis_running, until

from demo_app.backends.celery import CeleryBackend
from demo_app.backends.memory import MemoryBackend
from demo_app.blog import outbox, posts
from demo_app.blog.database import Database
from demo_app.blog.relay import Relay
from demo_app.broker.claim import Verdict
from demo_app.broker.connection import client_url, connect
from demo_app.broker.events import State
from demo_app.broker.inspect import page
from demo_app.broker.options import Options
from demo_app.broker.queue import Queue
from demo_app.jobs import task
from demo_app.jobs.backend import Backend
from demo_app.jobs.job import Job


@task(queue_name="mail")
def tell(comment_id: int) -> None:
    """In place of a task that takes a comment's id."""


def _comment(database: Database) -> str:
    return posts.add_comment(database, 1, "A", "a@b.test", "text", notify=tell)[1].id


def _queued(store: Queue) -> list[str]:
    return [job.id for job in page(store.client, State.QUEUED).jobs]


def _settle(relay: Relay) -> None:
    """Ask about every row once."""
    while relay.settle():
        pass


def _work(store: Queue, job_id: str, verdict: Verdict = Verdict.DONE) -> None:
    """Claim the next job, which is that one, and end it."""
    store.register("w", 60_000, "{}")
    (claimed,) = store.claim("w", ["mail"])
    assert claimed.claim.id == job_id
    store.finish(claimed.claim, verdict, after=60.0 if verdict is Verdict.RETRY else None)


def _copy(source: str, target: str) -> None:
    """Every key as it is now, from the server at one URL to the one at the other."""
    here, there = (redis.Redis.from_url(client_url(url)) for url in (source, target))
    for key in here.scan_iter():
        there.restore(key, 0, here.dump(key))


def test_jobs_are_handed_over_in_the_order_in_which_they_were_written(
    database: Database, store: Queue
) -> None:
    sent = [_comment(database) for _ in range(10)]
    relay = Relay(database, CeleryBackend(store))
    assert relay.hand_over() == 10
    assert _queued(store) == sent


def test_a_relay_that_died_before_it_forgot_hands_over_twice_and_counts_once(
    database: Database, store: Queue
) -> None:
    sent = [_comment(database) for _ in range(3)]
    Relay(database, CeleryBackend(store)).hand_over()
    assert outbox.size(database) == 3
    Relay(database, CeleryBackend(store)).hand_over()
    assert _queued(store) == sent
    assert store.snapshot().count["enqueued"] == 3


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
    until(lambda: relay.size() == 0, what="the handing over")
    relay.stop()
    assert _queued(store) == sent


def test_a_delayed_job_comes_out_of_the_outbox_as_it_went_in(database: Database) -> None:
    job = tell.using(run_after=datetime(2030, 1, 1, tzinfo=UTC), priority=5).job(7)
    with database.transaction() as transaction:
        outbox.add(transaction, job)
    assert outbox.pending(database)[0].job == job


def test_a_row_stays_until_its_job_is_done(database: Database, store: Queue) -> None:
    first, second = _comment(database), _comment(database)
    relay = Relay(database, CeleryBackend(store))
    relay.hand_over()
    _settle(relay)
    assert set(outbox.among(database, [first, second])) == {first, second}
    _work(store, first)
    _settle(relay)
    assert set(outbox.among(database, [first, second])) == {second}


@pytest.mark.parametrize(
    ("verdict", "kept"),
    [
        (Verdict.DONE, False),
        (Verdict.DISCARD, False),
        (Verdict.DEAD, True),  # a person may still bring it back
        (Verdict.RETRY, True),
        (Verdict.REQUEUE, True),
    ],
)
def test_how_a_job_ends_says_whether_its_row_stays(
    database: Database, store: Queue, verdict: Verdict, kept: bool
) -> None:
    sent = _comment(database)
    relay = Relay(database, CeleryBackend(store))
    relay.hand_over()
    _work(store, sent, verdict)
    _settle(relay)
    assert (outbox.size(database) == 1) is kept
    assert relay.hand_over() == 0, "nothing of it is handed over again"


def test_what_a_wiped_redis_has_lost_is_handed_over_again_in_its_order(
    database: Database, store: Queue
) -> None:
    sent = [_comment(database) for _ in range(4)]
    relay = Relay(database, CeleryBackend(store))
    relay.hand_over()
    _work(store, sent[0])
    _settle(relay)
    store.client.flushall()
    sent.append(_comment(database))
    _settle(relay)
    assert relay.size() == 4
    relay.hand_over()
    assert _queued(store) == sent[1:]


def test_a_promoted_replica_that_lagged_gets_what_it_has_not_heard_of(
    database: Database, store: Queue, redis_url: str
) -> None:
    """It still has the first comment's job as waiting, and knows nothing of the second's."""
    first = _comment(database)
    relay = Relay(database, backend := CeleryBackend(store))
    relay.hand_over()
    with redis_running() as url:
        _copy(redis_url, url)
        second = _comment(database)
        relay.hand_over()
        _work(store, first)
        backend._store = Queue(client_of(url))
        _settle(relay)
        relay.hand_over()
        assert _queued(backend._store) == [first, second]


@pytest.mark.parametrize("evicted", ["job:{}", "queue:mail"])
def test_a_job_outlives_the_eviction_of_a_key(
    database: Database, store: Queue, evicted: str
) -> None:
    sent = [_comment(database) for _ in range(3)]
    relay = Relay(database, CeleryBackend(store))
    relay.hand_over()
    store.client.delete(evicted.format(sent[1]))
    _settle(relay)
    relay.hand_over()
    assert set(_queued(store)) == set(sent)


def test_a_job_outlives_the_eviction_of_the_list_of_who_runs_it(
    database: Database, store: Queue
) -> None:
    sent = _comment(database)
    relay = Relay(database, CeleryBackend(store))
    relay.hand_over()
    store.register("w", 60_000, "{}")
    store.claim("w", ["mail"])
    _settle(relay)
    assert _queued(store) == []
    store.client.delete("claims:mail:w")
    _settle(relay)
    assert _queued(store) == [sent]


def test_a_job_outlives_the_eviction_of_the_set_of_retries(
    database: Database, store: Queue
) -> None:
    sent = _comment(database)
    relay = Relay(database, CeleryBackend(store))
    relay.hand_over()
    _work(store, sent, Verdict.RETRY)
    _settle(relay)
    assert _queued(store) == []
    store.client.delete("retrying")
    _settle(relay)
    assert _queued(store) == [sent]


def test_nothing_is_forgotten_while_redis_can_not_be_asked(
    database: Database, store: Queue, redis_url: str, tmp_path: Path
) -> None:
    sent = [_comment(database) for _ in range(3)]
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
    assert _queued(store) == sent


def test_what_a_killed_relay_had_kept_and_deleted_is_kept_no_longer(
    database: Database, store: Queue
) -> None:
    sent = [_comment(database) for _ in range(2)]
    Relay(database, CeleryBackend(store)).hand_over()
    _work(store, sent[0])
    outbox.remove_job(database, sent[0])  # and then it was killed
    Relay(database, CeleryBackend(store)).settle()
    assert store.client.smembers("kept") == {sent[1]}


def test_a_long_outbox_is_asked_about_from_end_to_end(database: Database, store: Queue) -> None:
    sent = [_comment(database) for _ in range(5)]
    relay = Relay(database, CeleryBackend(store), at_once=2)
    while relay.hand_over():
        pass
    _work(store, sent[0])
    store.client.delete(f"job:{sent[3]}")
    _settle(relay)
    assert set(outbox.among(database, sent)) == set(sent[1:])
    assert relay.size() == 2, "the lost one, and what came behind it"


def test_most_rounds_ask_no_further_than_something_has_ended(
    database: Database, store: Queue
) -> None:
    """A round that asks about a hundred thousand jobs would cost as much as a second of work."""
    for _ in range(5):
        _comment(database)
    relay = Relay(database, CeleryBackend(store), at_once=2)
    while relay.hand_over():
        pass
    assert [relay.settle() for _ in range(4)] == [2, 2, 1, 0]
    assert [relay.settle() for _ in range(2)] == [0, 0]


def test_a_backend_that_keeps_no_results_is_believed(database: Database) -> None:
    class Silent(Backend):
        name = "silent"

        def _enqueue(self, jobs: list[Job]) -> None:
            """Nobody can ask what became of them."""

    _comment(database)
    Relay(database, Silent()).hand_over()
    assert outbox.size(database) == 0


def test_without_the_safeguard_a_row_goes_as_soon_as_the_queue_has_the_job(
    database: Database, store: Queue
) -> None:
    _comment(database)
    Relay(database, CeleryBackend(store), keep=False).hand_over()
    assert outbox.size(database) == 0


def test_what_was_in_the_memory_of_a_dead_process_is_handed_to_the_next(
    database: Database,
) -> None:
    sent = _comment(database)
    for _ in range(2):
        memory = MemoryBackend(1)
        Relay(database, memory).hand_over()
        assert memory.find(sent) is not None
        memory.close()


def test_only_what_waits_to_be_handed_over_counts_as_not_with_the_queue(
    database: Database, store: Queue
) -> None:
    sent = _comment(database)
    relay = Relay(database, CeleryBackend(store))
    (row,) = outbox.among(database, [sent]).values()
    assert (relay.size(), relay.has_handed_over(row)) == (1, False)
    relay.hand_over()
    assert (relay.size(), relay.has_handed_over(row)) == (0, True)


def test_a_job_that_the_backend_does_not_do_lets_the_others_pass(
    database: Database, store: Queue
) -> None:
    first = _comment(database)
    with database.transaction() as transaction:
        outbox.add(transaction, tell.using(queue_name="nobody's").job(7))
    last = _comment(database)
    relay = Relay(database, CeleryBackend(store))
    relay.hand_over()
    _settle(relay)
    assert _queued(store) == [first, last]
    assert (relay.size(), outbox.size(database)) == (1, 3)
    assert "nobody's" in relay.trouble
    assert relay.hand_over() == 0
    assert Relay(database, CeleryBackend(store)).hand_over() == 3  # the next start tries again


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
    _settle(relay)

    assert _queued(store) == [first, last]
    assert (relay.size(), outbox.size(database)) == (1, 3)
    assert "1 set aside: the job odd can't be read" in relay.trouble
    assert relay.hand_over() == 0


def test_a_new_beginning_in_the_middle_of_a_batch_passes_over_no_row(
    database: Database, store: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [_comment(database)]
    relay = Relay(database, CeleryBackend(store))
    relay.hand_over()
    sent += [_comment(database) for _ in range(3)]

    def wiped(*_: object, **__: object) -> None:
        store.client.flushall()
        _settle(relay)  # at this moment the other thread finds that Redis has lost the first

    with monkeypatch.context() as patch:
        patch.setattr(store, "enqueue_many", wiped)
        relay.hand_over()
    relay.hand_over()
    assert _queued(store) == sent


def test_the_queue_forgets_no_job_whose_end_the_outbox_has_not_heard_of(
    database: Database, store: Queue
) -> None:
    short = Queue(store.client, Options(history_length=1))
    relay = Relay(database, CeleryBackend(short))
    sent = [_comment(database) for _ in range(130)]
    while relay.hand_over():
        pass
    for job_id in sent:
        _work(short, job_id)
    assert short.client.zcard("done") < 64, "the history is short"
    _settle(relay)
    assert (relay.hand_over(), outbox.size(database)) == (0, 0)
    assert len(list(short.client.scan_iter("job:*"))) == short.client.zcard("done")
    assert not short.client.exists("kept")

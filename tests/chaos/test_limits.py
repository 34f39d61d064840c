"""The limits: much in the queue, large jobs, a full Redis; at sizes that fit a test."""

from __future__ import annotations

import pytest
import redis
from support import message, rescue_now

from demo_app.broker.claim import Claim, Disposition
from demo_app.broker.inspect import get_job
from demo_app.broker.message import parse
from demo_app.broker.options import Options
from demo_app.broker.queue import Queue

_LEASE = 60_000


def _claim(store: Queue) -> tuple[Claim, str]:
    [claimed] = store.claim("w", ("mail",))
    return claimed.claim, claimed.message


def _fill(store: Queue, jobs: int, at_once: int = 5000) -> None:
    for first in range(0, jobs, at_once):
        batch = [(message(n), None) for n in range(first, min(jobs, first + at_once))]
        assert store.enqueue_many(batch) == len(batch)


def test_a_job_of_a_megabyte_goes_through_whole(store: Queue) -> None:
    text = "あ" * 350_000
    store.enqueue(message(1, arguments={"text": text}))
    store.register("w", _LEASE, "{}")
    claim, taken = _claim(store)
    assert parse(taken).arguments == {"text": text}
    assert store.finish(claim, Disposition.REQUEUE).in_time
    assert _claim(store)[1] == taken


def test_the_journal_forgets_its_oldest_lines_and_a_job_keeps_its_own_history(store: Queue) -> None:
    small = Queue(store.client, Options(journal_length=1000, history_length=100))
    _fill(small, 3000)
    assert 1000 <= small.client.xlen("journal") < 1300, "trimmed by whole nodes of 100 entries"
    view = get_job(small.client, "job-0")
    assert view is not None
    assert [event.event for event in view.timeline] == ["enqueued"]


def test_a_full_redis_refuses_new_jobs_only_and_drains(store: Queue) -> None:
    """`maxmemory` with `noeviction`: what makes room again must go on."""
    _fill(store, 2000)
    store.register("w", _LEASE, "{}")
    store.client.config_set("maxmemory", 1)
    try:
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            store.enqueue(message(2001))
        assert store.beat("w", _LEASE, "{}")
        store.register("another", _LEASE, "{}")
        claims = [_claim(store)[0] for _ in range(3)]
        assert store.finish(claims[0], Disposition.DONE).in_time
        assert store.finish(claims[1], Disposition.RETRY, after=0.0).in_time
        assert store.finish(claims[2], Disposition.DEAD).in_time
        assert store.promote_due("w")[0] == 1
        assert rescue_now(store, "w", _LEASE) == []
        assert store.deregister("another") == 0
    finally:
        store.client.config_set("maxmemory", 0)
    assert store.enqueue(message(2001))
    assert store.snapshot().count["enqueued"] == 2001

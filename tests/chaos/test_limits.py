"""The limits: much in the queue, large jobs, a full Redis; at sizes that fit a test."""

from __future__ import annotations

import json
from itertools import count

import pytest
import redis
from support import message, rescue_now

from demo_app.broker.claim import Claim, Disposition
from demo_app.broker.inspect import get_job
from demo_app.broker.message import Message
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


def test_the_journal_forgets_its_oldest_lines_and_a_job_keeps_its_own_history(store: Queue) -> None:
    small = Queue(store.client, Options(journal_length=1000, history_length=100))
    _fill(small, 3000)
    assert 1000 <= small.client.xlen("journal") < 1300, "trimmed by whole nodes of 100 entries"
    view = get_job(small, "job-0")
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
        assert store.beat("w", _LEASE, "{}").send()
        store.register("another", _LEASE, "{}")
        claims = [_claim(store)[0] for _ in range(3)]
        assert store.finish(claims[0], Disposition.DONE).in_time
        assert store.finish(claims[1], Disposition.RETRY, after=0.0).in_time
        assert store.finish(claims[2], Disposition.DEAD).in_time
        assert store.promote_due("w").send()[0] == 1
        assert rescue_now(store, "w", _LEASE) == []
        assert store.deregister("another") == 0
    finally:
        store.client.config_set("maxmemory", 0)
    assert store.enqueue(message(2001))
    assert store.snapshot().count["enqueued"] == 2001


def _end(store: Queue, how: Disposition = Disposition.DONE, detail: str = "") -> None:
    """The next job ends."""
    assert store.finish(_claim(store)[0], how, detail).in_time


def _large(number: int) -> Message:
    return message(number, arguments={"text": "x" * 100_000})


def _fill_up(store: Queue, first: int) -> None:
    """Put jobs in until one is refused."""
    numbers = count(first)
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        next(number for number in numbers if not store.enqueue(_large(number)))


def test_ended_jobs_make_room_for_new_ones_at_maxmemory(store: Queue) -> None:
    """The history and the journal are kept only as long as nothing else needs their memory."""
    limited = Queue(store.client, Options(history_length=10**6, journal_length=10**6))
    limited.register("w", _LEASE, "{}")
    used = int(limited.client.info("memory")["used_memory"])
    limited.client.config_set("maxmemory", used + 6_000_000)
    try:
        for number in range(300):  # each with an argument of 100 kB
            assert limited.enqueue(_large(number))
            _end(limited)
        for number in range(300, 700):  # each with a result of 50 kB
            assert limited.enqueue(message(number))
            _end(limited, detail=json.dumps({"value": "y" * 50_000}))
        assert get_job(limited, "job-0") is None
        assert get_job(limited, "job-699") is not None
        limited.keep(["job-699"])
        _fill_up(limited, 1000)
        assert limited.snapshot().count["done"] == 700
        assert limited.states(["job-699", "job-698"]) == {"job-699": "done"}, "an outbox keeps one"
        _end(limited, Disposition.DEAD)
        _fill_up(limited, 2000)
        dead = get_job(limited, "job-1000")
        assert dead is not None
        assert dead.arguments == {"text": "x" * 100_000}, "nobody has decided over it"
    finally:
        limited.client.config_set("maxmemory", 0)
    assert limited.snapshot().conserved


def test_a_history_takes_no_more_bytes_than_it_may(store: Queue) -> None:
    small = Queue(store.client, Options(history_bytes=100_000))
    small.register("w", _LEASE, "{}")
    for number in range(40):
        small.enqueue(message(number))
        how = Disposition.DISCARD if number % 2 else Disposition.DONE
        _end(small, how, json.dumps({"value": "y" * 10_000}))
    known = small.states([f"job-{number}" for number in range(40)])
    assert [*known] == [f"job-{number}" for number in range(40 - len(known), 40)]
    assert 8 <= len(known) <= 10
    assert small.snapshot().conserved

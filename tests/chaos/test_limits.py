"""Tests of limits: the length of the journal, the size of a job's history, and a full Redis."""

import json
from itertools import count

import pytest
import redis
from broker.scene import LEASE, Scene
from support import message, rescue_now

from demo_app.broker.claim import Disposition
from demo_app.broker.inspect import get_job
from demo_app.broker.message import Message
from demo_app.broker.options import Options
from demo_app.broker.queue import Queue


def _limited(store: Queue, **limits: int) -> Scene:
    return Scene(Queue(store.client, Options(**limits)))


def test_the_journal_forgets_its_oldest_lines_and_a_job_keeps_its_own_history(store: Queue) -> None:
    scene = _limited(store, journal_length=1000, history_length=100)
    scene.put(*range(3000))
    assert 1000 <= store.client.xlen("journal") < 1300, "trimmed by whole nodes of 100 entries"
    assert [event.event for event in scene.job("job-0").timeline] == ["enqueued"]


def test_a_full_redis_refuses_new_jobs_only_and_drains(store: Queue) -> None:
    """At `maxmemory`, Redis must refuse new jobs but accept all commands of the workers."""
    scene = Scene(store)
    scene.put(*range(2000))
    scene.start("w")
    store.client.config_set("maxmemory", 1)
    try:
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            store.enqueue(message(2001))
        assert store.beat("w", LEASE, "{}").send()
        scene.start("another")
        claims = [scene.claim() for _ in range(3)]
        assert store.finish(claims[0], Disposition.DONE).in_time
        assert store.finish(claims[1], Disposition.RETRY, after=0.0).in_time
        assert store.finish(claims[2], Disposition.DEAD).in_time
        assert store.promote_due("w").send()[0] == 1
        assert rescue_now(store, "w", LEASE) == []
        assert store.deregister("another") == 0
    finally:
        store.client.config_set("maxmemory", 0)
    assert store.enqueue(message(2001))
    assert scene.count["enqueued"] == 2001


def _end(scene: Scene, how: Disposition = Disposition.DONE, detail: str = "") -> None:
    assert scene.queue.finish(scene.claim(), how, detail).in_time


def _large(number: int) -> Message:
    return message(number, arguments={"text": "x" * 100_000})


def _fill_up(store: Queue, first: int) -> None:
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        next(number for number in count(first) if not store.enqueue(_large(number)))


def test_ended_jobs_make_room_for_new_ones_at_maxmemory(store: Queue) -> None:
    """At `maxmemory`, enqueueing a job deletes the oldest ended jobs, but no job of an outbox."""
    scene = _limited(store, history_length=10**6, journal_length=10**6)
    limited = scene.queue
    used = int(store.client.info("memory")["used_memory"])
    store.client.config_set("maxmemory", used + 6_000_000)
    try:
        for number in range(300):  # each with an argument of 100 kB
            assert limited.enqueue(_large(number))
            _end(scene)
        for number in range(300, 700):  # each with a result of 50 kB
            assert limited.enqueue(message(number))
            _end(scene, detail=json.dumps({"value": "y" * 50_000}))
        assert get_job(limited, "job-0") is None
        assert get_job(limited, "job-699") is not None
        limited.keep(["job-699"])
        _fill_up(limited, 1000)
        assert limited.snapshot().count["done"] == 700
        assert limited.states(["job-699", "job-698"]) == {"job-699": "done"}, "an outbox keeps one"
        _end(scene, Disposition.DEAD)
        _fill_up(limited, 2000)
        arguments = scene.job("job-1000").arguments
        assert arguments == {"text": "x" * 100_000}, "nobody has decided over it"
    finally:
        store.client.config_set("maxmemory", 0)
    assert limited.snapshot().conserved


def test_a_history_takes_no_more_bytes_than_it_may(store: Queue) -> None:
    scene = _limited(store, history_bytes=100_000)
    for number in range(40):
        scene.put(number)
        how = Disposition.DISCARD if number % 2 else Disposition.DONE
        _end(scene, how, json.dumps({"value": "y" * 10_000}))
    known = store.states([f"job-{number}" for number in range(40)])
    assert [*known] == [f"job-{number}" for number in range(40 - len(known), 40)]
    assert 8 <= len(known) <= 10
    assert store.snapshot().conserved

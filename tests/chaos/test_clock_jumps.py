"""Tests of jumps of Redis's clock: leases, the order of ended jobs, and due times."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from broker.scene import LEASE, Scene
from programs import FAKETIME, needs
from support import client_of, rescue_now, until

from demo_app.broker.claim import Disposition
from demo_app.broker.events import State
from demo_app.broker.inspect import get_job, page
from demo_app.broker.options import Options
from demo_app.broker.queue import Queue
from demo_app.rig.process_group import ProcessGroup
from demo_app.rig.redis_server import RedisServer


@contextmanager
def _redis_with_a_clock() -> Iterator[tuple[Scene, Callable[[int], None]]]:
    """Yield a scene, and a function that sets the offset of its Redis server's clock (seconds)."""
    with ProcessGroup() as group:
        clock = group.folder / "clock"
        clock.write_text("+0\n")
        group.environment |= {
            "LD_PRELOAD": needs(FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        with RedisServer(group) as server:
            store = Queue(client_of(server.url))
            yield Scene(store), lambda seconds: _put(store, clock, seconds)


def _put(store: Queue, clock: Path, seconds: int) -> None:
    before = store.client.time()[0]
    new = clock.with_suffix(".new")
    new.write_text(f"{seconds:+d}\n")
    new.rename(clock)
    until(lambda: abs(store.client.time()[0] - before) > abs(seconds) / 2, what="the leap")


def test_a_leap_ahead_kills_nobody() -> None:
    with _redis_with_a_clock() as (scene, put_clock):
        store = scene.queue
        scene.put(1)
        claim = scene.claim()
        rescue_now(store)
        put_clock(3600)
        assert store.client.keys("worker:*") == [], "every lease has run out at once"
        assert rescue_now(store) == []
        assert store.beat("w", LEASE, "{}").send(), "and the live one goes on"
        assert store.finish(claim, Disposition.DONE).in_time


def _end_all(scene: Scene, numbers: range, how: Disposition) -> None:
    for number in numbers:
        scene.put(number)
        scene.queue.finish(scene.claim(), how)


@pytest.mark.parametrize("how", [Disposition.DONE, Disposition.DISCARD])
def test_after_a_leap_back_the_oldest_are_still_forgotten_first(how: Disposition) -> None:
    with _redis_with_a_clock() as (scene, put_clock):
        store = scene.queue
        short = Scene(Queue(store.client, Options(history_length=64)))
        _end_all(short, range(64), how)
        put_clock(-3600)
        _end_all(short, range(64, 128), how)
        remembered = [number for number in range(128) if get_job(store, f"job-{number}")]
        assert remembered == list(range(64, 128))


def _moves(store: Queue) -> bool:
    return store.promote_due("w").send()[0] > 0


@pytest.mark.parametrize("leaps", [(-3600,), (3600, 0)], ids=["back", "ahead and back"])
def test_after_a_leap_back_a_retry_and_a_delay_come_in_their_time(leaps: tuple[int, ...]) -> None:
    with _redis_with_a_clock() as (scene, put_clock):
        store, (*before, last) = scene.queue, leaps
        for seconds in before:
            put_clock(seconds)
        scene.put(1)
        claim = scene.claim()
        store.promote_due("w").send()
        store.finish(claim, Disposition.RETRY, after=2.0)
        until(lambda: _moves(store), 20.0, "the retry")
        scene.fail(after=2.0)
        scene.put(2, due=time.time() + 2.0)
        put_clock(last)
        scene.put(3, due=time.time() + 600.0)
        until(lambda: _moves(store), 20.0, "the retry")
        until(lambda: not _moves(store) and store.size(["mail"]) == 2, 20.0, "both")
        count = store.snapshot().count
        assert (count["scheduled"], count["queued"]) == (1, 2), "the last one has its ten minutes"
        [waiting] = page(store, State.SCHEDULED).jobs
        assert 500 < (waiting.due or 0) - store.client.time()[0] <= 600

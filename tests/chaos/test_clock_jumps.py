"""The clock of Redis leaps: nobody is taken for dead, and nobody seems alive for hours."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from programs import FAKETIME, needs
from support import client_of, message, rescue_now, until

from demo_app.broker.claim import Claim, Disposition
from demo_app.broker.events import State
from demo_app.broker.inspect import get_job, page
from demo_app.broker.options import Options
from demo_app.broker.queue import Queue
from demo_app.rig.process_group import ProcessGroup
from demo_app.rig.redis_server import RedisServer

_LEASE = 2000


@contextmanager
def _redis_with_a_clock() -> Iterator[tuple[Queue, Callable[[int], None]]]:
    """A server, and a way to put its clock forward or back (seconds)."""
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
            yield store, lambda seconds: _put(store, clock, seconds)


def _put(store: Queue, clock: Path, seconds: int) -> None:
    before = store.client.time()[0]
    new = clock.with_suffix(".new")
    new.write_text(f"{seconds:+d}\n")
    new.rename(clock)
    until(lambda: abs(store.client.time()[0] - before) > abs(seconds) / 2, what="the leap")


def _held(store: Queue) -> Claim:
    store.enqueue(message(1))
    store.register("w", _LEASE, "{}")
    [claimed] = store.claim("w", ("mail",))
    return claimed.claim


def _judges(store: Queue) -> None:
    """Let a lease pass since the first look, in which nobody is judged."""
    rescue_now(store, "other", _LEASE)
    store.client.hset("server", "since", 0)
    rescue_now(store, "other", _LEASE)


def test_a_leap_ahead_kills_nobody() -> None:
    with _redis_with_a_clock() as (store, put_clock):
        claim = _held(store)
        _judges(store)
        put_clock(3600)
        assert store.client.keys("worker:*") == [], "every lease has run out at once"
        assert rescue_now(store, "other", _LEASE) == []
        assert store.beat("w", _LEASE, "{}").send(), "and the live one goes on"
        assert store.finish(claim, Disposition.DONE).in_time


def _end_all(store: Queue, numbers: range, how: Disposition = Disposition.DONE) -> None:
    for number in numbers:
        store.enqueue(message(number))
        [claimed] = store.claim("w", ("mail",))
        store.finish(claimed.claim, how)


@pytest.mark.parametrize("how", [Disposition.DONE, Disposition.DISCARD])
def test_after_a_leap_back_the_oldest_are_still_forgotten_first(how: Disposition) -> None:
    with _redis_with_a_clock() as (store, put_clock):
        short = Queue(store.client, Options(history_length=64))
        short.register("w", 3_600_000, "{}")
        _end_all(short, range(64), how)
        put_clock(-3600)
        _end_all(short, range(64, 128), how)
        remembered = [number for number in range(128) if get_job(store, f"job-{number}")]
        assert remembered == list(range(64, 128))


def _moves(store: Queue) -> bool:
    return store.promote_due("w").send()[0] > 0


@pytest.mark.parametrize("leaps", [(-3600,), (3600, 0)], ids=["back", "ahead and back"])
def test_after_a_leap_back_a_retry_and_a_delay_come_in_their_time(leaps: tuple[int, ...]) -> None:
    with _redis_with_a_clock() as (store, put_clock):
        *before, last = leaps
        for seconds in before:
            put_clock(seconds)
        claim = _held(store)
        store.promote_due("w").send()
        store.finish(claim, Disposition.RETRY, after=2.0)
        until(lambda: _moves(store), 20.0, "the retry")
        [claimed] = store.claim("w", ("mail",))
        store.finish(claimed.claim, Disposition.RETRY, after=2.0)
        store.enqueue(message(2), due=time.time() + 2.0)
        put_clock(last)
        store.enqueue(message(3), due=time.time() + 600.0)
        until(lambda: _moves(store), 20.0, "the retry")
        until(
            lambda: not store.promote_due("w").send()[0] and store.size(["mail"]) == 2, 20.0, "both"
        )
        count = store.snapshot().count
        assert (count["scheduled"], count["queued"]) == (1, 2), "the last one has its ten minutes"
        [waiting] = page(store, State.SCHEDULED).jobs
        assert 500 < (waiting.due or 0) - store.client.time()[0] <= 600

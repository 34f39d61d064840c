"""When a worker is called dead: after two looks, a beat apart, that both found no sign of life."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest
from support import client_of, let_judge, message, until

from demo_app.broker.deaths import note_killed
from demo_app.broker.in_flight import InFlight
from demo_app.broker.keys import lanes_of
from demo_app.broker.lease import Lease, LeaseLost
from demo_app.broker.options import Options
from demo_app.broker.queue import Queue

LEASE = 60_000


@pytest.fixture
def silent(store: Queue) -> Queue:
    """A queue with a worker that holds a job, and whose lease has run out."""
    let_judge(store)
    store.enqueue(message(1))
    store.register("w", LEASE, "{}")
    store.claim("w", lanes_of("mail"))
    store.client.delete("worker:w")
    return store


def _earlier(store: Queue, seconds: float) -> None:
    """The first look was so long ago."""
    store.client.hset("suspects", "w", time.time() - seconds)


def _look(store: Queue) -> tuple[list[str], bool]:
    """What it gives back, and whether a next one may find somebody dead."""
    return store.rescue("other", LEASE, 3), store.suspected


def test_one_look_makes_nobody_dead(silent: Queue) -> None:
    assert silent.rescue("other", LEASE, 3) == []
    assert silent.rescue("another", LEASE, 3) == [], "a second one right behind it does not count"


def test_two_looks_a_beat_apart_make_it_dead(silent: Queue) -> None:
    assert _look(silent) == ([], True)
    _earlier(silent, 0.5)
    assert _look(silent) == (["job-1"], True)
    assert _look(silent) == ([], False)


def test_whose_end_was_seen_is_dead_at_once(store: Queue) -> None:
    let_judge(store)
    store.enqueue(message(1))
    for worker in (name := f"{socket.gethostname()}-{os.getpid()}-1", "another"):
        store.register(worker, LEASE, "{}")
    store.claim(name, lanes_of("mail"))
    note_killed(store, os.getpid(), by="who saw it")
    assert store.rescue("other", LEASE, 3) == [], "its lease has not run out"
    note_killed(store, os.getpid(), by="who saw it", end_lease=True)
    assert store.rescue("other", LEASE, 3) == ["job-1"]
    assert store.client.exists("worker:another"), "nobody else is touched"


def test_a_sign_of_life_between_the_looks_counts(silent: Queue) -> None:
    _look(silent)
    assert silent.beat("w", LEASE, "{}")
    assert _look(silent) == ([], False)
    silent.client.delete("worker:w")
    assert _look(silent) == ([], True), "this is a first look again"


def test_a_first_look_from_long_ago_does_not_count(silent: Queue) -> None:
    """In between nobody looked, Redis may have slept, and the worker's beat may be on its way."""
    _look(silent)
    _earlier(silent, LEASE / 1000 + 1)
    assert silent.rescue("other", LEASE, 3) == []


def test_nobody_is_judged_when_redis_slept_between_two_looks(silent: Queue) -> None:
    _earlier(silent, 1.0)
    _look(silent)
    redis_then, *own = silent._clock or (0.0, 0.0, 0.0)
    silent._clock = (redis_then - LEASE / 1000, *own)  # so much ahead of ours
    assert silent.rescue("other", LEASE, 3) == []


@contextmanager
def _worker(url: str, **options: float) -> Iterator[InFlight]:
    """What a Celery worker has in it of the broker: a lease, and the heartbeat that renews it."""
    worker = InFlight(Queue(client_of(url), Options(**options)))  # type: ignore[arg-type]
    worker.work(["mail"])
    try:
        yield worker
    finally:
        worker.leave()


def _died(store: Queue) -> list[str]:
    journal = store.client.xrange("journal")
    return [fields["detail"] for _, fields in journal if fields["event"] == "worker_died"]


def test_a_new_worker_gives_back_what_a_dead_one_held_before_its_first_claim(silent: Queue) -> None:
    silent.enqueue(message(2))
    silent.client.hset("leases", "w", 3000)  # both have the usual lease
    new = InFlight(silent)
    new.work(["mail"])
    try:
        [first] = silent.claim(new.lease.worker, lanes_of("mail"))
        assert first.claim.id == "job-1"
    finally:
        new.leave()


@pytest.mark.thorough
def test_nobody_is_called_dead_because_redis_slept(store: Queue, redis_url: str) -> None:
    pid = int(store.client.info("server")["process_id"])
    with _worker(redis_url), _worker(redis_url), _worker(redis_url):
        store.client.hset("server", "since", 0)
        for _ in range(3):
            os.kill(pid, signal.SIGSTOP)
            threading.Event().wait(3.6)  # longer than a lease
            os.kill(pid, signal.SIGCONT)
            beats = [
                store.client.pttl(f"worker:{name}") for name in store.client.smembers("workers")
            ]
            assert len(beats) == 3
            until(lambda: len(store.client.keys("worker:*")) == 3, what="the next beat of each")
            store.client.hset("server", "since", 0)
        assert _died(store) == []


def test_a_dead_worker_is_found_within_five_seconds(store: Queue, redis_url: str) -> None:
    with _worker(redis_url):
        store.client.hset("server", "since", 0)
        store.enqueue(message(1))
        store.register("dead", 3000, "{}")
        store.claim("dead", lanes_of("mail"))
        began = time.monotonic()
        until(lambda: _died(store) == ["dead"], what="its rescue")
        until(lambda: store.size(["mail"]) == 1, what="its job in the queue")
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("step", ["acknowledge_pending", "waiting_tags"])
def test_a_step_of_the_heartbeat_that_raises_ends_neither_rescue_nor_retries(
    store: Queue,
    redis_url: str,
    step: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with _worker(redis_url) as worker, caplog.at_level(logging.WARNING):
        store.client.hset("server", "since", 0)
        monkeypatch.setattr(worker, step, _stumble)
        store.enqueue(message(1))
        store.register("dead", 500, "{}")
        store.claim("dead", lanes_of("mail"))
        store.enqueue(message(2), due=time.time() + 0.2)
        until(lambda: store.size(["mail"]) == 2, what="the rescued job, and the one that was due")
        assert store.client.keys("worker:*"), "its own lease is renewed"
        assert caplog.text.count("the others go on") == 1, "once, and not twice a second"


def _stumble() -> None:
    raise RuntimeError("a mistake in the program")


@contextmanager
def _refusing(store: Queue, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Redis refuses a step of the heartbeat, which has said so."""
    store.client.acl_setuser("default", enabled=True, nopass=True, commands=["-info"])
    try:
        until(lambda: "Redis refuses the heartbeat's step rescue" in caplog.text)
        yield
    finally:
        store.client.acl_setuser("default", enabled=True, nopass=True, commands=["+info"])


def test_a_redis_that_refuses_a_step_is_complained_of(
    store: Queue, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with _worker(redis_url), caplog.at_level(logging.WARNING), _refusing(store, caplog):
        store.enqueue(message(1), due=time.time() + 0.2)
        until(lambda: store.size(["mail"]) == 1, what="the job that was due")


def test_who_was_cut_off_judges_nobody_for_the_time_of_that_ones_lease(
    store: Queue, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It can't tell a dead worker from one that was cut off as well."""
    with _worker(redis_url), caplog.at_level(logging.WARNING):
        with _refusing(store, caplog):
            store.client.hset("server", "since", 0)
            store.register("silent", 2000, "{}")
            store.client.delete("worker:silent")
        began = time.monotonic()
        until(lambda: _died(store) == ["silent"], what="its rescue")
        assert time.monotonic() - began > 1.9, "the lease of the one that is judged is 2 s"


@pytest.mark.parametrize("over", [True, False], ids=["taken for dead", "alive"])
def test_a_lease_that_may_have_run_out_is_asked_for_before_a_side_effect(
    store: Queue, over: bool
) -> None:
    lease = Lease(store, 0.2, {})
    epoch = lease.take()
    until(lambda: not store.client.exists(f"worker:{epoch}"), what="the end of the lease")
    if over:
        store.deregister(epoch)
    with pytest.raises(LeaseLost) if over else nullcontext():
        lease.check(epoch)
    assert (lease.worker != epoch) is over


@pytest.mark.thorough
def test_a_worker_that_holds_eight_thousand_jobs_is_alive(store: Queue, redis_url: str) -> None:
    """Lua passes no more than some 7,900 values to a function at once."""
    store.enqueue_many([(message(number), None) for number in range(8300)])
    with _worker(redis_url, lease_seconds=60.0) as worker:
        while claimed := store.claim(worker.lease.worker, worker.lanes, most=500):
            for one in claimed:
                worker.track(one)
        name, worker.waiting_tags = worker.lease.worker, lambda: set(worker.held())
        until(lambda: store.client.scard(f"waiting:{name}") == 8300, what="a beat that names all")
        assert worker.lease.worker == name

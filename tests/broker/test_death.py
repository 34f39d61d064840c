"""Tests of dead workers. A worker counts as dead only if two checks have found its lease expired,
at least a heartbeat interval apart (or a quarter of the lease, if that is shorter)."""

import logging
import os
import re
import socket
import time
from contextlib import nullcontext
from unittest.mock import Mock

import pytest
from broker.scene import LEASE, LISTS, Scene
from support import rescue_now, until

from demo_app.broker.deaths import note_killed
from demo_app.broker.lease import Lease, LeaseLost
from demo_app.broker.options import DEFAULTS
from demo_app.broker.queue import Queue


@pytest.fixture
def silent(scene: Scene) -> Queue:
    """Return a queue with a worker that holds a job and whose lease has expired."""
    scene.put(1)
    scene.claim()
    scene.queue.client.delete("worker:w")
    return scene.queue


def _earlier(queue: Queue, seconds: float) -> None:
    """Pretend that the first check, `seconds` ago, found the lease of the worker `w` expired."""
    queue.client.hset("suspects", "w", time.time() - seconds)


def _check(queue: Queue, by: str = "other") -> tuple[list[str], bool]:
    """Check all leases. Return the rescued jobs, and True if the check found an expired lease."""
    return rescue_now(queue, by, LEASE), queue.suspected


def test_two_checks_a_heartbeat_apart_find_a_dead_worker(silent: Queue) -> None:
    assert _check(silent) == ([], True)
    assert _check(silent, "another") == ([], True), "a check right after it does not count"
    _earlier(silent, 0.5)
    assert _check(silent) == (["job-1"], True)
    assert _check(silent) == ([], False)


def test_one_check_serves_the_whole_fleet(scene: Scene) -> None:
    """If each worker checked all leases, costs would grow with the square of the fleet's size."""
    fleet, rounds = [f"w{number}" for number in range(40)], 5
    for worker in fleet:
        scene.start(worker)
    began = time.monotonic()
    scene.queue.client.config_resetstat()
    for worker in fleet * rounds:
        scene.queue.rescue(worker, LEASE, 3).send()
    checks = 1 + (time.monotonic() - began) / 0.25
    of_leases = scene.queue.client.info("commandstats")["cmdstat_pttl"]["calls"]
    assert of_leases <= len(fleet) * rounds + len(fleet) * checks


def test_the_check_of_a_new_worker_does_not_delay_that_of_another(silent: Queue) -> None:
    _earlier(silent, 0.5)
    silent.client.delete("look")
    assert silent.rescue("new", LEASE, 3, connected=1.0).send() == []
    assert silent.rescue("old", LEASE, 3).send() == ["job-1"]


def test_a_clock_that_is_set_back_does_not_stop_the_checks(silent: Queue) -> None:
    _earlier(silent, 0.5)
    silent.client.set("look", 3600, px=3_600_000)
    assert silent.rescue("other", LEASE, 3).send() == ["job-1"]


def test_a_reported_death_needs_no_second_check_and_no_quiet_period(scene: Scene) -> None:
    """Just after its reconnect, a rescuer trusts a reported death, but not an expired lease."""
    scene.put(1)
    scene.start("another")
    scene.claim(f"{socket.gethostname()}-{os.getpid()}-1")
    note_killed(scene.queue, os.getpid(), by="its parent")
    assert _check(scene.queue) == ([], False), "its lease has not expired"
    note_killed(scene.queue, os.getpid(), by="its parent", end_lease=True)
    scene.queue.client.delete("look")
    assert scene.queue.rescue("other", LEASE, 3, connected=0.0).send() == ["job-1"]
    assert scene.queue.client.exists("worker:another"), "no other worker is affected"


def test_a_reported_death_outlives_a_restart_of_redis(scene: Scene) -> None:
    scene.put(1)
    scene.claim(f"{socket.gethostname()}-{os.getpid()}-1")
    note_killed(scene.queue, os.getpid(), by="its parent", end_lease=True)
    scene.queue.client.hset("server", "run", "another life of the server")
    assert [_check(scene.queue)[0] for _ in range(3)] == [[], [], ["job-1"]]


def test_a_heartbeat_between_two_checks_counts(silent: Queue) -> None:
    _check(silent)
    assert silent.beat("w", LEASE, "{}").send()
    assert _check(silent) == ([], False)
    silent.client.delete("worker:w")
    assert _check(silent) == ([], True), "this is a first check again"


def test_a_first_check_from_long_ago_does_not_count(silent: Queue) -> None:
    """The first check is older than a lease. Redis may have paused since then, and the worker's
    heartbeat may still be in flight."""
    _earlier(silent, LEASE / 1000 + 1)
    assert _check(silent) == ([], True)


def test_no_worker_is_declared_dead_if_redis_slept_between_two_checks(silent: Queue) -> None:
    _check(silent)
    _earlier(silent, 1.0)
    redis_then, *own = silent._clock or (0.0, 0.0, 0.0)
    # as if Redis's clock had advanced a whole lease more than ours
    silent._clock = (redis_then - LEASE / 1000, *own)
    assert _check(silent)[0] == []


def test_a_workers_name_has_eight_random_bytes(store: Queue) -> None:
    """Two workers with the same name would end each other's claims."""
    assert re.fullmatch(r".+-\d+-[0-9a-f]{16}\.1", Lease(store, 60.0, {}).take())


def test_no_worker_is_declared_dead_within_a_lease_after_a_restart_of_redis(silent: Queue) -> None:
    silent.client.hset("server", "run", "another life of the server")
    for _ in range(2):
        _earlier(silent, 1.0)
        assert _check(silent)[0] == []
    silent.client.hset("server", "since", time.time() - LEASE / 1000)
    assert _check(silent)[0] == ["job-1"]


@pytest.mark.parametrize("dead", [True, False], ids=["declared dead", "alive"])
def test_an_old_lease_is_checked_before_a_side_effect(store: Queue, dead: bool) -> None:
    lease = Lease(store, 0.2, {})
    epoch = lease.take()
    until(lambda: not store.client.exists(f"worker:{epoch}"), what="the end of the lease")
    if dead:
        store.deregister(epoch)
    with pytest.raises(LeaseLost) if dead else nullcontext():
        lease.check(epoch)
    assert (lease.worker != epoch) is dead


def test_a_new_worker_rescues_before_its_first_claim(silent: Queue, scene: Scene) -> None:
    scene.put(2)
    # 3 s, as the new worker's: with the scene's lease of 60 s, the rescue would come much later
    silent.client.hset("leases", "w", 3000)
    with scene.working(DEFAULTS) as new:
        assert scene.takes(new.lease.worker) == ["job-1"]


@pytest.mark.parametrize("step", ["acknowledge_pending", "_waiting_tags"])
def test_an_error_in_one_step_of_the_heartbeat_does_not_stop_the_others(
    scene: Scene, step: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scene.working(DEFAULTS) as worker, caplog.at_level(logging.WARNING):
        scene.queue.client.hset("server", "since", 0)
        monkeypatch.setattr(worker, step, Mock(side_effect=RuntimeError))
        scene.put(1)
        scene.queue.register("dead", 500, "{}")
        scene.queue.claim("dead", LISTS)
        scene.put(2, due=time.time() + 0.2)
        until(lambda: len(scene.waiting) == 2, what="the rescued job, and the one that was due")
        assert scene.queue.client.keys("worker:*"), "its own lease is renewed"
        assert caplog.text.count("the others go on") == 1, "once, and not twice a second"


def test_a_round_of_the_heartbeat_is_one_command(scene: Scene) -> None:
    """An idle worker must cost almost nothing."""
    client = scene.queue.client
    with scene.working() as here:
        for _ in range(4):  # loads each script into the server
            here.heartbeat.round()
        client.config_resetstat()
        for _ in range(4):
            here.heartbeat.round()
        calls = client.info("commandstats")
        assert calls["cmdstat_evalsha"]["calls"] == 4
        assert "cmdstat_eval" not in calls


def test_a_refused_rescue_delays_the_next(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """If a worker lost its connection, silent workers may have lost theirs too, and be alive."""
    client = scene.queue.client
    with scene.working(DEFAULTS), caplog.at_level(logging.WARNING):
        client.acl_setuser("default", enabled=True, nopass=True, commands=["-info"])
        try:
            until(lambda: "Redis refuses the heartbeat's step rescue" in caplog.text)
            scene.put(1, due=time.time() + 0.2)
            until(lambda: scene.waiting, what="the job that was due")
            client.hset("server", "since", 0)
            scene.queue.register("silent", 2000, "{}")
            client.delete("worker:silent")
            began = time.monotonic()
        finally:
            client.acl_setuser("default", enabled=True, nopass=True, commands=["+info"])
        until(lambda: not client.sismember("workers", "silent"), what="its rescue")
        assert time.monotonic() - began > 1.9, "the lease of the silent worker is 2 s"

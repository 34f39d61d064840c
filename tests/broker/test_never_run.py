"""What was accepted runs: whatever its id or queue is called, whose clock leaps, who is late."""

from __future__ import annotations

import json
import time

import pytest
from support import die, let_judge, message

from demo_app.broker.claim import Claim, Disposition
from demo_app.broker.keys import lane_of, lanes_of, queue_of
from demo_app.broker.queue import Kind, Queue

LEASE = 60_000
LANES = lanes_of("mail")
STATES = ("queued", "running", "scheduled", "retrying", "dead", "done", "discarded")


def _claimed(store: Queue, worker: str) -> Claim:
    [claimed] = store.claim(worker, LANES)
    return claimed.claim


def _lost_lease(store: Queue, worker: str) -> None:
    """The worker lives, and was silent for so long that it was taken for dead."""
    die(store, worker)
    assert store.rescue("other", LEASE, 3)


def _count(store: Queue) -> dict[str, int]:
    count: dict[str, int] = store.snapshot().count
    assert count["enqueued"] == sum(count[state] for state in STATES)
    return count


@pytest.fixture
def held(store: Queue) -> Claim:
    """A job that `slow` runs, and `other` beside it."""
    let_judge(store)
    for worker in ("slow", "other"):
        store.register(worker, LEASE, "{}")
    store.enqueue(message(1))
    return _claimed(store, "slow")


@pytest.mark.parametrize("where", ["queued", "running"])
def test_that_a_job_was_done_counts_though_its_lease_was_lost(
    store: Queue, held: Claim, where: str
) -> None:
    _lost_lease(store, "slow")
    again = _claimed(store, "other") if where == "running" else None
    assert store.finish(held, Disposition.DONE).in_time
    assert (_count(store)["done"], _count(store)["late"]) == (1, 0)
    if again:
        assert not store.finish(again, Disposition.DONE).in_time
        assert (_count(store)["done"], _count(store)["late"]) == (1, 1)


@pytest.mark.parametrize(
    "ending", [Disposition.DONE, Disposition.RETRY, Disposition.DEAD, Disposition.DISCARD]
)
def test_who_finished_first_is_right(store: Queue, held: Claim, ending: Disposition) -> None:
    _lost_lease(store, "slow")
    store.finish(_claimed(store, "other"), ending, after=600.0)
    assert not store.finish(held, Disposition.DONE).in_time
    assert _count(store)["late"] == 1


@pytest.mark.parametrize("ending", [Disposition.RETRY, Disposition.DEAD, Disposition.REQUEUE])
def test_that_it_failed_does_not_count_after_a_lost_lease(
    store: Queue, held: Claim, ending: Disposition
) -> None:
    _lost_lease(store, "slow")
    assert not store.finish(held, ending).in_time
    assert _count(store)["queued"] == 1


def test_a_job_whose_workers_lose_their_leases_again_and_again_is_given_up(store: Queue) -> None:
    let_judge(store)
    store.register("other", LEASE, "{}")
    store.enqueue(message(1))
    for turn in range(30):
        store.register(f"slow{turn}", LEASE, "{}")
        if store.client.zcard("retrying"):
            store.decide("job-1", "retry", by="the test, which does not wait for it")
        if store.client.zcard("dead"):
            break
        _claimed(store, f"slow{turn}")
        _lost_lease(store, f"slow{turn}")
        store.register(f"slow{turn}.2", LEASE, "{}", instead_of=f"slow{turn}")
    assert 10 < turn < 20
    assert _count(store)["dead"] == 1


def _noted_earlier(store: Queue, seconds: float) -> None:
    """What happened last to the job was so much earlier."""
    line = json.loads(str(store.client.lindex("job:job-1", -1)))
    line[1] = f"{float(line[1]) - seconds:.6f}"
    store.client.lset("job:job-1", -1, json.dumps(line, separators=(",", ":")))


def _suspect(store: Queue) -> None:
    """A job that two workers died with stands at the head."""
    let_judge(store)
    store.enqueue(message(1))
    for worker in ("one", "two"):
        store.register(worker, LEASE, "{}")
        _claimed(store, worker)
        _lost_lease(store, worker)


def test_a_suspect_stops_nobody_behind_it(store: Queue) -> None:
    store.register("w", LEASE, "{}")
    store.enqueue(message(0))
    busy = _claimed(store, "w")
    _suspect(store)
    store.enqueue(message(2))
    store.enqueue(message(3))
    assert [one.claim.id for one in store.claim("w", LANES, 5)] == ["job-2", "job-3"]
    for job in (busy, *store.held_by("w", LANES)):
        store.finish(job, Disposition.DONE)
    store.enqueue(message(4))
    assert [one.claim.id for one in store.claim("w", LANES, 5)] == ["job-1"], "alone"
    assert store.claim("w", LANES, 5) == []


def test_a_suspect_that_has_waited_for_a_minute_has_its_turn(store: Queue) -> None:
    store.register("w", LEASE, "{}")
    store.enqueue(message(0))
    busy = _claimed(store, "w")
    _suspect(store)
    _noted_earlier(store, 61.0)
    store.enqueue(message(2))
    assert store.claim("w", LANES) == []
    store.finish(busy, Disposition.DONE)
    assert _claimed(store, "w").id == "job-1"


@pytest.mark.parametrize("kind", [Kind.JOB, Kind.ONCE])
def test_a_task_whose_id_begins_like_a_messages_is_a_job(store: Queue, kind: Kind) -> None:
    let_judge(store)
    text = json.dumps({"headers": {"id": "~x", "task": "t"}, "properties": {}, "body": ""})
    store.publish(text, "~x", "mail", kind=kind)
    assert _count(store)["queued"] == 1
    for turn in range(4):
        store.register(f"w{turn}", LEASE, "{}")
        claim = _claimed(store, f"w{turn}")
        assert claim.is_of("~x")
        _lost_lease(store, f"w{turn}")
    assert _count(store)["retrying"] == 1, "it was put aside"


@pytest.mark.parametrize("name", ["orders:3", "orders:high", "orders:low", "orders:6", "orders:-"])
def test_a_queue_whose_name_ends_like_a_lane_is_a_queue_of_its_own(name: str) -> None:
    mine, orders = set(lanes_of(name)), set(lanes_of("orders"))
    assert mine.isdisjoint(orders)
    assert mine.isdisjoint(lanes_of(f"{name}:-"))
    assert len(mine) == 5
    assert {queue_of(lane) for lane in mine} == {name}
    assert {lane_of(name, priority) for priority in range(10)} < mine


def test_what_waits_for_the_same_is_woken_by_the_first_success_some_at_a_time(store: Queue) -> None:
    let_judge(store)
    store.register("w", LEASE, "{}")
    for number in range(25):
        store.enqueue(message(number))
        store.finish(_claimed(store, "w"), Disposition.RETRY, after=3600.0, needs="mail")
    for number, needs in ((98, "another thing"), (99, "mail")):
        assert _count(store)["queued"] == 0
        store.enqueue(message(number))
        store.finish(_claimed(store, "w"), Disposition.DONE, needs=needs)
    assert _count(store)["queued"] == 10
    while claimed := store.claim("w", LANES):
        store.finish(claimed[0].claim, Disposition.DONE, needs="mail")
    assert _count(store)["done"] == 27


@pytest.mark.parametrize(("slept", "moves"), [(True, 0.0), (False, 60.0)])
def test_what_is_due_moves_with_a_clock_that_leaps_alone(
    store: Queue, slept: bool, moves: float
) -> None:
    """All clocks of a machine that slept have leapt, and are right."""
    due = time.time() + 90.0
    store.enqueue(message(1), due=due)
    _noted_earlier(store, 70.0)
    store.rescue("w", LEASE, 3)
    then, own_then, wall_then = store._clock or (0.0, 0.0, 0.0)
    store._clock = (then - 60.0, own_then, wall_then - 60.0 * slept)
    for _ in range(2):
        store.rescue("w", LEASE, 3)
    assert store.client.zscore("scheduled", "job-1") == pytest.approx(due + moves, abs=2)

"""The atomic steps: a job is in exactly one place, before and after each of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import pytest
from support import die, let_judge, message

from demo_app.broker.claim import Claim, Disposition
from demo_app.broker.events import State
from demo_app.broker.inspect import get_job
from demo_app.broker.keys import lanes_of
from demo_app.broker.options import Options
from demo_app.broker.queue import Kind, Queue
from demo_app.broker.snapshot import JobSeen

LANES = lanes_of("mail")
LEASE = 60_000
COUNTED = [state.value for state in State]


def claim(store: Queue, worker: str) -> Claim:
    [claimed] = store.claim(worker, LANES)
    return claimed.claim


def fill(store: Queue, count: int) -> None:
    store.enqueue_many([(message(number), None) for number in range(1, count + 1)])


def queued(store: Queue) -> list[str]:
    return list(reversed(store.client.lrange("queue:mail", 0, -1)))


def places(store: Queue) -> dict[str, int]:
    return {name: count for name, count in store.snapshot().count.items() if count}


def conserved(store: Queue) -> bool:
    count = store.snapshot().count
    return bool(count["enqueued"] == sum(count[name] for name in COUNTED))


def test_several_jobs_can_be_claimed_in_one_step_across_the_lanes(store: Queue) -> None:
    for number, priority in ((4, -1), (1, 0), (2, 5), (3, 0)):
        store.enqueue(message(number, priority=priority))
    store.register("w", LEASE, "{}")
    assert [c.claim.id for c in store.claim("w", LANES, 3)] == ["job-2", "job-1", "job-3"]
    assert [c.claim.id for c in store.claim("w", LANES, 3)] == ["job-4"]
    assert store.claim("w", LANES, 3) == []


def test_a_job_put_in_twice_is_one_job(store: Queue) -> None:
    assert store.enqueue(message(1)) is True
    assert store.enqueue(message(1)) is False
    assert places(store) == {"enqueued": 1, "queued": 1}


def test_an_unknown_worker_may_not_claim(store: Queue) -> None:
    fill(store, 1)
    with pytest.raises(Exception, match="LEASELOST"):
        claim(store, "nobody")
    assert places(store) == {"enqueued": 1, "queued": 1}


@pytest.mark.parametrize(
    ("how", "state"),
    [
        (Disposition.DONE, "done"),
        (Disposition.RETRY, "retrying"),
        (Disposition.DISCARD, "discarded"),
        (Disposition.DEAD, "dead"),
        (Disposition.REQUEUE, "queued"),
    ],
)
def test_a_verdict_moves_the_job_to_its_one_place(
    store: Queue, how: Disposition, state: str
) -> None:
    fill(store, 1)
    store.register("w", LEASE, "{}")
    held = claim(store, "w")
    assert store.finish(held, how, after=60.0).in_time
    assert places(store) == {"enqueued": 1, state: 1}
    view = get_job(store.client, "job-1")
    assert view is not None
    assert view.state == state


def test_an_acknowledgement_takes_the_next_job_with_it(store: Queue) -> None:
    fill(store, 2)
    store.register("w", LEASE, "{}")
    held = claim(store, "w")
    following = store.finish(held, Disposition.DONE, next_for=("w", LANES)).following
    assert following is not None
    assert following.claim.id == "job-2"
    assert places(store) == {"enqueued": 2, "done": 1, "running": 1}
    assert store.finish(following.claim, Disposition.DONE, next_for=("w", LANES)).following is None


def test_a_worker_taken_for_dead_can_neither_beat_nor_give_up_nor_go_on(
    store: Queue,
) -> None:
    fill(store, 2)
    let_judge(store)
    store.register("w", LEASE, "{}")
    held = claim(store, "w")
    die(store, "w")
    store.rescue("other", LEASE, 3)
    assert store.beat("w", LEASE, "{}") is False
    ended = store.finish(held, Disposition.DEAD, next_for=("w", LANES))
    assert (ended.in_time, ended.following) == (False, None)
    assert places(store) == {"enqueued": 2, "queued": 2, "late": 1}


def test_a_dead_workers_jobs_go_back_to_the_head_in_their_order(store: Queue) -> None:
    fill(store, 5)
    let_judge(store)
    store.register("w", LEASE, "{}")
    for _ in range(3):
        claim(store, "w")
    die(store, "w")
    assert store.rescue("other", LEASE, 3) == ["job-3", "job-2", "job-1"]
    assert queued(store) == [f"job-{n}" for n in range(1, 6)]
    assert conserved(store)


def test_a_job_that_was_given_back_says_so_after_a_late_end_too(store: Queue) -> None:
    fill(store, 1)
    let_judge(store)
    store.register("w", LEASE, "{}")
    held = claim(store, "w")
    die(store, "w")
    store.rescue("other", LEASE, 3)
    assert not store.finish(held, Disposition.DEAD).in_time
    store.register("other", LEASE, "{}")
    (again,) = store.claim("other", LANES)
    assert again.redelivered


def test_a_delayed_job_waits_among_the_scheduled_and_moves_when_it_is_due(store: Queue) -> None:
    now = time.time()
    store.enqueue(message(1), due=now + 60)
    store.enqueue(message(2), due=now - 1)
    assert places(store) == {"enqueued": 2, "scheduled": 1, "queued": 1}
    moved, soonest = store.promote_due("w")
    assert moved == 0
    assert soonest is not None
    assert 50 < soonest <= 60
    store.client.zadd("scheduled", {"job-1": now - 1})
    assert store.promote_due("w") == (1, None)
    assert queued(store) == ["job-2", "job-1"]


@pytest.mark.parametrize(("damage", "end"), [("deleted", "discarded"), ("unreadable", "dead")])
def test_a_waiting_job_whose_record_is_gone_holds_up_no_other(
    store: Queue, damage: str, end: str
) -> None:
    fill(store, 2)
    store.register("w", LEASE, "{}")
    for _ in range(2):
        held = claim(store, "w")
        store.finish(held, Disposition.RETRY, after=-1.0)
    if damage == "deleted":
        store.client.delete("job:job-1")
    else:
        store.client.lset("job:job-1", 0, "no message")
    store.promote_due("w")
    assert places(store) == {"enqueued": 2, "queued": 1, end: 1}
    assert queued(store) == ["job-2"]


def test_a_leaving_worker_gives_back_what_it_holds(store: Queue) -> None:
    fill(store, 4)
    store.register("w", LEASE, "{}")
    for _ in range(2):
        claim(store, "w")
    assert store.deregister("w") == 2
    assert queued(store) == [f"job-{n}" for n in range(1, 5)]
    assert store.snapshot().workers == []


@pytest.mark.parametrize("what", ["retry", "discard"])
def test_a_person_decides_over_a_dead_job(store: Queue, what: str) -> None:
    fill(store, 1)
    store.register("w", LEASE, "{}")
    held = claim(store, "w")
    store.finish(held, Disposition.DEAD)
    assert store.decide("job-1", what, by="a person") == "dead"
    assert store.decide("job-1", what, by="a person") == "", "it can't be done twice"
    expected = {"enqueued": 1, "queued": 1} if what == "retry" else {"enqueued": 1, "discarded": 1}
    assert places(store) == expected


def test_a_clock_set_back_makes_nobody_immortal(store: Queue) -> None:
    let_judge(store)
    store.register("w", 3_000, "{}")
    store.client.pexpire("worker:w", 3_600_000)  # a key that would live for an hour
    store.rescue("other", 3_000, 3)
    assert 0 < store.client.pttl("worker:w") <= 3_000


def test_only_the_newest_finished_jobs_are_remembered(store: Queue) -> None:
    short = Queue(store.client, Options(history_length=100))
    short.register("w", LEASE, "{}")
    for start in range(0, 150, 50):
        short.enqueue_many([(message(number), None) for number in range(start, start + 50)])
        for _ in range(50):
            held = claim(short, "w")
            short.finish(held, Disposition.DONE)
    assert 100 <= short.client.zcard("done") < 164, "they are counted at every 64th end"
    assert get_job(short.client, "job-0") is None
    assert get_job(short.client, "job-149") is not None
    assert places(short) == {"enqueued": 150, "done": 150}


def test_what_happened_last_to_many_jobs_is_told_in_one_step(store: Queue) -> None:
    store.enqueue_many([(message(number), None) for number in range(1200)])
    store.register("w", 60_000, "{}")
    store.claim("w", LANES, most=1)
    asked = store.snapshot(ids=["job-0", "job-1199", "no such job"]).asked
    assert asked["job-0"] == JobSeen(State.RUNNING, "w", rescued=False)
    assert asked.keys() == {"job-0", "job-1199"}
    waiting = store.snapshot(ids=[f"job-{number}" for number in range(1, 1200)]).asked
    assert {seen.state for seen in waiting.values()} == {State.QUEUED}
    assert len(waiting) == 1199


def _ends_its_wait(store: Queue, act: Callable[[], object]) -> bool:
    """Whether a worker that found nothing is woken by the act."""
    [after] = store.scripts.run("claim", "idle", 1, *LANES)
    act()
    return bool(store.client.xread({"wake": after}))


def test_whatever_puts_a_job_into_a_queue_wakes_who_waits_for_one(store: Queue) -> None:
    let_judge(store)
    store.register("idle", LEASE, "{}")
    assert not _ends_its_wait(store, lambda: None)
    assert _ends_its_wait(store, lambda: store.enqueue(message(1)))
    for how in (Disposition.REQUEUE, Disposition.LOST):
        held = claim(store, "idle")
        assert _ends_its_wait(store, partial(store.finish, held, how)), how
    held = claim(store, "idle")
    store.finish(held, Disposition.RETRY, after=-1.0)
    assert _ends_its_wait(store, lambda: store.promote_due("idle"))
    store.register("leaving", LEASE, "{}")
    claim(store, "leaving")
    assert _ends_its_wait(store, lambda: store.deregister("leaving"))
    store.register("dying", LEASE, "{}")
    claim(store, "dying")
    die(store, "dying")
    assert _ends_its_wait(store, lambda: store.rescue("other", LEASE, 3))


@pytest.mark.parametrize("how", ["claim", "with an acknowledgement"])
def test_a_paused_worker_is_given_no_job(store: Queue, how: str) -> None:
    fill(store, 2)
    store.register("w", LEASE, "{}")
    held = claim(store, "w")
    assert store.pause("w", True)
    if how == "claim":
        assert store.claim("w", LANES) == []
    else:
        assert store.finish(held, Disposition.DONE, next_for=("w", LANES)).following is None
    store.pause("w", False)
    claim(store, "w")


@pytest.mark.parametrize("how", ["claim", "with an acknowledgement"])
def test_nobody_takes_jobs_from_a_paused_queue(store: Queue, how: str) -> None:
    fill(store, 2)
    store.enqueue(message(3, queue="other"))
    lanes = lanes_of("mail", "other")
    store.register("w", LEASE, "{}")
    held = claim(store, "w")
    store.pause_queue("mail", True)
    if how == "claim":
        (taken,) = store.claim("w", lanes)
    else:
        following = store.finish(held, Disposition.DONE, next_for=("w", lanes)).following
        assert following is not None
        taken = following
    assert taken.claim.id == "job-3"
    assert store.claim("w", LANES) == []
    store.pause_queue("mail", False)
    claim(store, "w")
    assert conserved(store)


def test_a_queued_job_can_be_deleted_and_a_running_one_can_not(store: Queue) -> None:
    fill(store, 2)
    store.register("w", LEASE, "{}")
    claim(store, "w")
    assert store.decide("job-1", "delete", by="a person") == ""
    assert store.decide("job-2", "discard", by="a person") == ""
    assert store.decide("job-2", "delete", by="a person") == "queued"
    assert places(store) == {"enqueued": 2, "running": 1, "discarded": 1}
    assert conserved(store)


def test_nobody_is_judged_before_a_lease_has_passed_since_redis_was_started_again(
    store: Queue,
) -> None:
    fill(store, 1)
    let_judge(store)
    store.register("w", LEASE, "{}")
    claim(store, "w")
    store.client.hset("server", "run", "another life of the server")
    for _ in range(2):
        die(store, "w")
        assert store.rescue("other", LEASE, 3) == []
    store.client.hset("server", "since", time.time() - LEASE / 1000)
    assert store.rescue("other", LEASE, 3) == ["job-1"]


def test_each_event_says_who_did_it_and_what_is_known_of_it(store: Queue) -> None:
    let_judge(store)
    store.enqueue(message(1), by="a producer")
    for worker in ("one", "two", "three"):
        store.register(worker, LEASE, "{}")
    ends = [
        ("one", Disposition.RETRY, "it failed"),
        ("one", Disposition.REQUEUE, "it stops"),
        ("one", Disposition.LOST, "its process died"),
        ("three", Disposition.DEAD, "it is no use"),
    ]
    for worker, how, detail in ends:
        held = claim(store, worker)
        store.finish(held, how, detail=detail, after=-1.0)
        store.promote_due("two")
    store.decide("job-1", "retry", by="a person")
    late = claim(store, "one")
    die(store, "one")
    store.rescue("two", LEASE, 3)
    store.finish(late, Disposition.DEAD, detail="too late")
    claim(store, "three")
    store.deregister("three")
    job = get_job(store.client, "job-1")
    assert job is not None
    assert [(event.event, event.by, event.notes.get("text", "")) for event in job.timeline] == [
        ("enqueued", "a producer", ""),
        ("claimed", "one", ""),
        ("retrying", "one", "it failed"),
        ("enqueued", "two", "it was due"),
        ("claimed", "one", ""),
        ("requeued", "one", "it stops"),
        ("claimed", "one", ""),
        ("rescued", "one", "its process died"),
        ("claimed", "three", ""),
        ("dead", "three", "it is no use"),
        ("enqueued", "a person", "brought back from dead"),
        ("claimed", "one", ""),
        ("rescued", "two", "one"),
        ("late", "one", "dead"),
        ("claimed", "three", ""),
        ("requeued", "three", "the worker stopped"),
    ]
    workers = [
        (entry["event"], entry["by"], entry["detail"])
        for _, entry in store.client.xrange("journal")
        if entry["event"] in ("worker_died", "worker_stopped")
    ]
    assert workers == [("worker_died", "two", "one"), ("worker_stopped", "three", "")]


def test_a_list_of_messages_is_forgotten_once_it_is_empty_and_nobody_holds_any(
    store: Queue,
) -> None:
    store.register("w", 3000, "{}")
    text = '{"properties":{"delivery_info":{"routing_key":"x"}}}'
    store.publish(text, "~held", "held", kind=Kind.MESSAGE)
    store.publish(text, "~taken", "taken", kind=Kind.MESSAGE)
    (held,) = store.claim("w", ["held"])
    (taken,) = store.claim("w", ["taken"])
    store.finish(taken.claim, Disposition.DONE)
    store.publish(text, "~new", "new", kind=Kind.TRANSIENT)
    assert store.client.smembers("transient") == {"held", "new"}
    store.finish(held.claim, Disposition.DONE)
    store.publish(text, "~newer", "newer", kind=Kind.TRANSIENT)
    assert store.client.smembers("transient") == {"new", "newer"}


def test_a_job_that_is_given_back_goes_to_the_head_or_lets_others_have_their_turn(
    store: Queue,
) -> None:
    store.register("w", 3000, "{}")
    for number in range(3):
        store.enqueue(message(number))
    (first,) = store.claim("w", LANES)
    store.finish(first.claim, Disposition.REQUEUE)
    assert store.snapshot(3).next_to_run == ["job-0", "job-1", "job-2"]
    (first,) = store.claim("w", LANES)
    store.finish(first.claim, Disposition.REQUEUE_LAST)
    assert store.snapshot(3).next_to_run == ["job-1", "job-2", "job-0"]

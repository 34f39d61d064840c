"""Poison: only the deaths that a job may have caused count, and it gets a last try, alone."""

from __future__ import annotations

import pytest
from broker.conftest import OpenShop
from support import die, let_judge, message, until

from demo_app.broker.claim import Claim, Disposition
from demo_app.broker.inspect import get_job
from demo_app.broker.keys import lanes_of
from demo_app.broker.options import Options
from demo_app.broker.queue import Queue
from demo_app.broker.view import JobView

LANES = lanes_of("mail")
LEASE = 60_000
PAUSE = 300.0


@pytest.fixture
def queue(store: Queue) -> Queue:
    """A queue with one job, and a pause before the last try."""
    made = Queue(store.client, Options(poison_pause=PAUSE))
    made.enqueue(message(1))
    let_judge(made)
    return made


def _claims(queue: Queue, worker: str) -> Claim:
    queue.register(worker, LEASE, "{}")
    [claimed] = queue.claim(worker, LANES)
    return claimed.claim


def _dies_with_it(queue: Queue, worker: str, waiting: tuple[str, ...] = ()) -> None:
    _claims(queue, worker)
    queue.beat(worker, LEASE, "{}", waiting)
    die(queue, worker)
    queue.rescue("other", LEASE, 3)


def _job(queue: Queue) -> JobView:
    job = get_job(queue.client, "job-1")
    assert job is not None
    return job


def _runs_alone(queue: Queue) -> bool:
    """Whether the job is claimed, and nothing beside it."""
    held = _claims(queue, "probe")
    queue.enqueue(message(2))
    alone = not queue.claim("probe", LANES)
    queue.finish(held, Disposition.REQUEUE)
    queue.deregister("probe")
    return alone


def test_a_job_that_waited_in_a_dead_worker_is_not_suspected(queue: Queue) -> None:
    for life in range(6):
        _dies_with_it(queue, f"w{life}", waiting=("job-1",))
    assert _job(queue).state == "queued"
    assert not _runs_alone(queue)


def test_a_worker_that_comes_back_was_paused_and_takes_its_death_with_it(queue: Queue) -> None:
    for life in range(3):
        _dies_with_it(queue, f"w{life}")
        queue.register(f"w{life}.2", LEASE, "{}", instead_of=f"w{life}")
    assert not _runs_alone(queue)
    for life in range(3, 6):
        _dies_with_it(queue, f"w{life}")
    assert _job(queue).state == "queued", "three deaths, and three pauses"
    assert _runs_alone(queue)


def test_it_runs_alone_beside_a_job_of_a_queue_that_was_paused_meanwhile(queue: Queue) -> None:
    for life in range(2):
        _dies_with_it(queue, f"w{life}")
    both = lanes_of("mail", "paused")
    queue.pause_queue("mail", True)
    queue.enqueue(message(2, queue="paused"))
    queue.register("probe", LEASE, "{}")
    [held] = queue.claim("probe", both)
    queue.pause_queue("mail", False)
    queue.pause_queue("paused", True)
    assert queue.claim("probe", both) == [], "the worker still has the other job"
    queue.finish(held.claim, Disposition.DONE)
    assert [claimed.claim.id for claimed in queue.claim("probe", both)] == ["job-1"]


def test_what_would_be_given_up_gets_one_more_try_alone_after_a_pause(queue: Queue) -> None:
    for life in range(4):
        _dies_with_it(queue, f"w{life}")
    job = _job(queue)
    assert job.state == "retrying"
    assert PAUSE - 60 < (job.due or 0) - job.timeline[-1].at <= PAUSE
    queue.decide("job-1", "retry", by="the test, which does not wait for it")
    assert _runs_alone(queue)
    queue.finish(_claims(queue, "last"), Disposition.DONE)
    assert _job(queue).state == "done"


def test_what_kills_a_worker_in_its_last_try_too_is_dead_and_says_why(queue: Queue) -> None:
    for life in range(4):
        _dies_with_it(queue, f"w{life}")
    queue.decide("job-1", "retry", by="the test, which does not wait for it")
    _dies_with_it(queue, "last")
    job = _job(queue)
    assert job.state == "dead"
    assert job.timeline[-1].notes["text"] == "poison: 5 workers died while they ran it"
    assert queue.snapshot().count["dead"] == 1


def test_a_job_that_a_person_brings_back_starts_anew(queue: Queue) -> None:
    test_what_kills_a_worker_in_its_last_try_too_is_dead_and_says_why(queue)
    queue.decide("job-1", "retry", by="a person")
    _dies_with_it(queue, "another")
    assert _job(queue).state == "queued"
    assert not _runs_alone(queue)


def test_deaths_are_counted_from_the_last_try_that_came_to_an_end(queue: Queue) -> None:
    for _ in range(2):
        for life in range(3):
            _dies_with_it(queue, f"w{life}")
        queue.finish(_claims(queue, "w"), Disposition.RETRY, after=-1.0)
        queue.promote_due("w")
    _dies_with_it(queue, "another")
    assert _job(queue).state == "queued"
    assert not _runs_alone(queue)


def test_processes_of_one_worker_that_died_with_the_job_are_counted_one_by_one(
    queue: Queue,
) -> None:
    queue.register("w", LEASE, "{}")
    for _ in range(4):
        [claimed] = queue.claim("w", LANES)
        queue.finish(claimed.claim, Disposition.LOST)
    assert _job(queue).state == "retrying"


def test_a_job_that_waited_and_has_begun_is_suspected(queue: Queue) -> None:
    for life in range(2):
        worker = f"w{life}"
        _claims(queue, worker)
        queue.beat(worker, LEASE, "{}", ["job-1"])
        queue.begin(worker, ["job-1"])
        die(queue, worker)
        queue.rescue("other", LEASE, 3)
    assert _runs_alone(queue)


def test_what_waited_over_a_heartbeat_and_then_kills_its_worker_is_blamed(
    open_shop: OpenShop,
) -> None:
    """Its worker dies before the next heartbeat, which would have said that the job has begun."""
    options = {"heartbeat_seconds": 0.9, "lease_seconds": 2.7, "max_rescues": 0}
    shop = open_shop("threads", broker_transport_options=options)
    worker = shop.start_worker("--concurrency", "1")
    shop.order("before", seconds=3.0)
    shop.order("poison", kills="worker")
    worker.wait()
    shop.start_worker()
    until(lambda: shop.count("retrying") == 1, what="its last try, which waits")


def test_a_job_that_calls_sys_exit_in_a_thread_is_put_aside_and_its_place_is_free(
    open_shop: OpenShop,
) -> None:
    shop = open_shop("threads", broker_transport_options={"max_rescues": 0, "poison_pause": 0.1})
    shop.add('@app.task(name="shop.leave")\ndef leave(parcel):\n    raise SystemExit(3)\n')
    shop.start_worker()
    jobs = shop.order("one", "two", "three", task="shop.leave")
    shop.order("vase")
    assert not shop.lost(["vase"], 30)
    shop.until(lambda: shop.given_up() == len(jobs) and shop.in_hand() == 0, "their end")

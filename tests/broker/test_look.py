"""Pages of jobs: the right ones, in the right order, while jobs move."""

from __future__ import annotations

import time

import pytest
from support import message

from demo_app.broker.claim import Claim, Disposition
from demo_app.broker.events import State
from demo_app.broker.inspect import get_job, page
from demo_app.broker.keys import lanes_of
from demo_app.broker.queue import Queue


def fill(store: Queue, count: int) -> None:
    store.enqueue_many([(message(number), None) for number in range(count)])


def claim(store: Queue) -> Claim:
    store.register("w", 60_000, "{}")
    return store.claim("w", lanes_of("mail"))[0].claim


def ids(store: Queue, state: State, limit: int) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        got = page(store.client, state, limit=limit, cursor=cursor)
        found += [job.id for job in got.jobs]
        cursor = got.next
        if cursor is None:
            return found


@pytest.mark.parametrize("limit", [1, 3, 10, 50])
def test_the_queue_is_listed_in_the_order_in_which_it_runs(store: Queue, limit: int) -> None:
    fill(store, 10)
    assert ids(store, State.QUEUED, limit) == [f"job-{n}" for n in range(10)]


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_more_urgent_lanes_come_first(store: Queue, limit: int) -> None:
    for number, priority in enumerate((0, -1, 5, 0, 5)):
        store.enqueue(message(number, priority=priority))
    assert ids(store, State.QUEUED, limit) == ["job-2", "job-4", "job-0", "job-3", "job-1"]


def test_a_position_of_one_is_next_to_run(store: Queue) -> None:
    fill(store, 3)
    got = page(store.client, State.QUEUED, limit=2)
    assert [job.position for job in got.jobs] == [1, 2]
    rest = page(store.client, State.QUEUED, limit=2, cursor=got.next)
    assert [(job.id, job.position) for job in rest.jobs] == [("job-2", 3)]
    last = get_job(store.client, "job-2")
    assert last is not None
    assert last.position == 3


def test_the_next_page_is_right_though_jobs_before_it_were_claimed(store: Queue) -> None:
    fill(store, 6)
    first = page(store.client, State.QUEUED, limit=3)
    for _ in range(4):
        claim(store)
    second = page(store.client, State.QUEUED, limit=3, cursor=first.next)
    assert [job.id for job in second.jobs] == ["job-4", "job-5"]


def test_scheduled_jobs_are_listed_soonest_first(store: Queue) -> None:
    now = time.time()
    for number, after in enumerate((300, 100, 200)):
        store.enqueue(message(number), due=now + after)
    assert ids(store, State.SCHEDULED, 2) == ["job-1", "job-2", "job-0"]
    got = page(store.client, State.SCHEDULED, limit=1).jobs[0]
    assert got.due == pytest.approx(now + 100)


def test_done_jobs_are_listed_newest_first_though_the_cursors_job_is_gone(store: Queue) -> None:
    fill(store, 4)
    for _ in range(4):
        store.finish(claim(store), Disposition.DONE)
    first = page(store.client, State.DONE, limit=2)
    assert [job.id for job in first.jobs] == ["job-3", "job-2"]
    store.client.zrem("done", "job-2")
    second = page(store.client, State.DONE, limit=2, cursor=first.next)
    assert [job.id for job in second.jobs] == ["job-1", "job-0"]


def test_a_running_job_names_its_owner(store: Queue) -> None:
    fill(store, 1)
    claim(store)
    (job,) = page(store.client, State.RUNNING).jobs
    assert (job.owner, job.deliveries, job.position) == ("w", 1, None)


def test_a_jobs_timeline_tells_all_that_happened(store: Queue) -> None:
    fill(store, 1)
    store.finish(claim(store), Disposition.RETRY, after=-1.0, detail='{"error": "E"}')
    store.promote_due("keeper")
    store.finish(claim(store), Disposition.DONE, detail='{"message_id": "<a@b>"}')
    job = get_job(store.client, "job-0")
    assert job is not None
    told = [event.event for event in job.timeline]
    assert told == ["enqueued", "claimed", "retrying", "enqueued", "claimed", "done"]
    assert job.timeline[2].error_class == "E"
    assert (job.message_id, job.deliveries, job.attempts) == ("<a@b>", 2, 2)
    assert [event.at for event in job.timeline] == sorted(event.at for event in job.timeline)


def test_an_unknown_job_is_none(store: Queue) -> None:
    assert get_job(store.client, "nobody") is None

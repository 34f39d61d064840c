"""Tests of pages of jobs: the right jobs in the right order, while jobs move."""

import time

import pytest
from broker.scene import Scene

from demo_app.broker.claim import Disposition
from demo_app.broker.events import State
from demo_app.broker.inspect import Page, get_job, page


def _page(scene: Scene, state: State, limit: int = 50, after: Page | None = None) -> Page:
    return page(scene.queue, state, limit=limit, cursor=after.next if after else None)


def _ids(found: Page) -> list[str]:
    return [job.id for job in found.jobs]


def _all(scene: Scene, state: State, limit: int) -> list[str]:
    found = _page(scene, state, limit)
    ids = _ids(found)
    while found.next is not None:
        found = _page(scene, state, limit, found)
        ids += _ids(found)
    return ids


@pytest.mark.parametrize("limit", [1, 3, 7, 50])
def test_a_queue_is_listed_in_the_order_of_its_claims(scene: Scene, limit: int) -> None:
    scene.put(*range(4))
    scene.put(4, priority=-1)
    scene.put(5, 6, priority=5)
    assert _all(scene, State.QUEUED, limit) == [f"job-{number}" for number in (5, 6, 0, 1, 2, 3, 4)]


@pytest.mark.parametrize("name", ["mail", "my queue", "50%", "50%20", "キュー", " "])
@pytest.mark.parametrize("job_id", ["job", "my job", " job "])
def test_the_pages_of_any_queue_end(scene: Scene, name: str, job_id: str) -> None:
    scene.put(1, queue=name, id=f"{job_id}1")
    scene.put(2, queue=name, id=f"{job_id}2")
    first = _page(scene, State.QUEUED, 1)
    second = _page(scene, State.QUEUED, 1, first)
    assert _ids(first) + _ids(second) == [f"{job_id}1", f"{job_id}2"]
    assert second.next is None


def test_the_next_page_is_right_after_claims(scene: Scene) -> None:
    scene.put(*range(6))
    first = _page(scene, State.QUEUED, 3)
    for _ in range(4):
        scene.claim()
    assert _ids(_page(scene, State.QUEUED, 3, first)) == ["job-4", "job-5"]


def test_the_next_page_is_right_after_its_list_was_forgotten(scene: Scene) -> None:
    scene.put(0, queue="a")
    scene.put(1, queue="b")
    scene.put(2, queue="c")
    first = _page(scene, State.QUEUED, 2)
    for job in ("job-0", "job-1"):
        scene.decide("delete", job)
    scene.queue.client.srem("lists", "a", "b")
    assert _ids(_page(scene, State.QUEUED, 2, first)) == ["job-2"]
    scene.put(3, queue="a")
    assert _ids(_page(scene, State.QUEUED, 2, first)) == ["job-2"]


def test_scheduled_jobs_are_listed_soonest_first(scene: Scene) -> None:
    now = time.time()
    for number, wait in enumerate((300, 100, 200)):
        scene.put(number, due=now + wait)
    assert _all(scene, State.SCHEDULED, 2) == ["job-1", "job-2", "job-0"]
    [first] = _page(scene, State.SCHEDULED, 1).jobs
    assert first.due == pytest.approx(now + 100)


def test_done_jobs_are_listed_newest_first(scene: Scene) -> None:
    scene.put(*range(4))
    for _ in range(4):
        scene.queue.finish(scene.claim(), Disposition.DONE)
    first = _page(scene, State.DONE, 2)
    assert _ids(first) == ["job-3", "job-2"]
    scene.queue.client.zrem("done", "job-2")  # the job of the cursor
    assert _ids(_page(scene, State.DONE, 2, first)) == ["job-1", "job-0"]


def test_a_job_has_its_owner_and_its_tries(scene: Scene) -> None:
    scene.put(1)
    error, mail = '{"error": "E"}', '{"message_id": "<a@b>"}'
    scene.queue.finish(scene.claim(), Disposition.RETRY, after=-1.0, detail=error)
    scene.queue.promote_due("keeper").send()
    claim = scene.claim()
    [job] = _page(scene, State.RUNNING).jobs
    assert (job.owner, job.deliveries, job.position) == ("w", 2, None)
    scene.queue.finish(claim, Disposition.DONE, detail=mail)
    job = scene.job()
    assert job.timeline[2].error_class == "E"
    assert (job.message_id, job.deliveries, job.attempts) == ("<a@b>", 2, 2)
    assert get_job(scene.queue, "nobody") is None


def test_tries_before_a_decision_count_and_requeues_do_not(scene: Scene) -> None:
    scene.put(1)
    scene.queue.finish(scene.claim(), Disposition.DEAD)
    assert scene.job().attempts == 1
    scene.queue.decide("job-1", "retry", by="person")
    assert scene.job().attempts == 1
    scene.queue.finish(scene.claim(), Disposition.REQUEUE)
    assert scene.job().attempts == 1, "a claim that was given back is not a try"

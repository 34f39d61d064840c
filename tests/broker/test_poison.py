"""Tests of poison jobs: a worker's death counts against a job only if the job was running, and in
its last try a job is the only job of its worker."""

import json
import threading
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
import redis
from broker.conftest import OpenShop
from broker.scene import CALM, LISTS, Scene
from celery import Celery
from support import most_nightly, rescue_now, until

from demo_app.broker import control_replies, process
from demo_app.broker.claim import Disposition, Ending
from demo_app.broker.inspect import get_jobs
from demo_app.broker.keys import lists_of
from demo_app.broker.worker import store_failures

#: Tasks that would end their worker. Celery raises a task's MemoryError again in the worker. The
#: text of the third error is not UTF-8, like some file names.
FATAL = """
@app.task(name="shop.grow")
def grow(parcel):
    raise MemoryError(parcel)


@app.task(name="shop.leave")
def leave(parcel):
    raise SystemExit(3)


@app.task(name="shop.odd", acks_on_failure_or_timeout=False)
def odd(parcel):
    raise ValueError("no such file: caf\\udce9.txt")
"""


@pytest.fixture
def scene(scene: Scene) -> Scene:
    scene.put(1)
    return scene


def _runs_alone(scene: Scene) -> bool:
    """Claim the next job. Return True if its worker then gets no other job, although one waits."""
    held = scene.claim("probe")
    scene.put(scene.count["enqueued"] + 1)
    alone = not scene.takes("probe")
    scene.queue.finish(held, Disposition.REQUEUE)
    scene.queue.deregister("probe")
    scene.start("probe")
    return alone


def test_the_deaths_of_workers_that_come_back_do_not_count(scene: Scene) -> None:
    for worker in ("w0", "w1", "w2"):
        scene.die_with_a_job(worker)
        scene.start(f"{worker}.2", instead_of=worker)
    assert not _runs_alone(scene)
    scene.die_with_a_job("w3", "w4", "w5")
    assert scene.job().state == "queued", "three deaths, and three pauses"
    assert _runs_alone(scene)


def test_a_job_whose_workers_lose_their_leases_more_than_ten_times_is_dead(scene: Scene) -> None:
    for turn in range(30):
        if scene.count.get("retrying"):
            scene.decide()
        if scene.count.get("dead"):
            break
        scene.die_with_a_job(f"slow{turn}")
        scene.start(f"slow{turn}.2", instead_of=f"slow{turn}")
    assert 10 < turn < 20
    assert scene.count == {"enqueued": 1, "dead": 1}


def test_a_suspect_also_runs_without_a_job_of_a_paused_queue(scene: Scene) -> None:
    scene.die_with_a_job("w0", "w1")
    queue, both = scene.queue, lists_of("mail", "paused")
    queue.pause_queue("mail", True)
    scene.put(2, queue="paused")
    scene.start("probe")
    [held] = queue.claim("probe", both)
    queue.pause_queue("mail", False)
    queue.pause_queue("paused", True)
    assert queue.claim("probe", both) == [], "the worker still has the other job"
    queue.finish(held.claim, Disposition.DONE)
    assert [claimed.claim.id for claimed in queue.claim("probe", both)] == ["job-1"]


def test_a_suspect_blocks_other_jobs_only_after_a_minute(scene: Scene) -> None:
    scene.die_with_a_job("w0", "w1")
    scene.put(0, priority=1)
    busy = scene.claim()
    scene.put(2, 3)
    assert scene.takes() == ["job-2"]
    scene.note_earlier(61.0)
    assert not scene.takes()
    for held in (busy, *scene.queue.held_by("w", ["mail"]).send()):
        scene.queue.finish(held, Disposition.DONE)
    assert scene.takes() == ["job-1"]


def test_after_its_last_try_a_job_is_dead_until_a_person_retries_it(scene: Scene) -> None:
    scene.die_with_a_job("w0", "w1", "w2", "w3")
    job = scene.job()
    assert job.state == "retrying"
    assert 240 < (job.due or 0) - job.timeline[-1].at <= 300
    scene.decide()
    assert _runs_alone(scene)
    scene.die_with_a_job("last")
    assert scene.count == {"enqueued": 2, "dead": 1, "queued": 1}
    assert scene.job().timeline[-1].notes["text"] == "poison: 5 workers died while they ran it"
    scene.decide("delete", "job-2")
    scene.decide("retry", "job-1")
    scene.die_with_a_job("another")
    assert scene.job().state == "queued"
    assert not _runs_alone(scene), "it starts anew"


def test_deaths_before_a_completed_try_do_not_count(scene: Scene) -> None:
    for _ in range(2):
        scene.die_with_a_job("w0", "w1", "w2")
        scene.fail()
        scene.queue.promote_due("w").send()
    scene.die_with_a_job("another")
    assert scene.job().state == "queued"
    assert not _runs_alone(scene)


def test_a_silent_result_backend_blocks_no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    called, released = threading.Event(), threading.Event()

    def store(*_: Any) -> None:
        called.set()
        assert released.wait(120)

    monkeypatch.setattr(control_replies, "store_failures", store)
    monkeypatch.setitem(process._worker, "controller", SimpleNamespace(app=None))
    store_failures([])  # returns, although the backend does not reply
    assert called.wait(120)
    released.set()


@pytest.mark.parametrize("seen", ["in its own process", "by another worker"])
def test_a_death_while_redis_was_down_is_reported_to_the_caller_later(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, seen: str
) -> None:
    reported: list[str] = []
    scene.die_with_a_job("w0")
    with scene.working(replace(CALM, max_rescues=0), reported.extend) as here:
        worker = "w1" if seen == "by another worker" else here.lease.worker
        scene.start(worker)
        [claimed] = here.queue.claim(worker, LISTS)
        scene.put(2)
        with monkeypatch.context() as patch:
            patch.setattr(here.queue, "dead_messages", Mock(side_effect=redis.ConnectionError))
            if worker == "w1":
                scene.queue.client.delete(f"worker:{worker}", "look")
                scene.queue.client.hset("suspects", worker, time.time() - 20)
                here.heartbeat.round()
            else:
                tag = here.track(claimed)
                following = here.finish(tag, Ending(Disposition.LOST), LISTS)
                assert following is not None, "the next job, which the same step has claimed"
                assert following.claim.id == "job-2"
        assert (scene.job().state, reported) == ("dead", [])
        for _ in range(2):
            here.heartbeat.round()
        [message] = reported
        assert '"id":"job-1"' in message


def test_a_job_that_waited_and_then_kills_its_worker_is_poison(open_shop: OpenShop) -> None:
    """The worker dies before a heartbeat can report that the job has begun."""
    options = {"heartbeat_seconds": 0.9, "lease_seconds": 2.7, "max_rescues": 0}
    shop = open_shop("threads", broker_transport_options=options)
    worker = shop.start_worker("--concurrency", "1")
    shop.order("before", seconds=3.0)
    shop.order("poison", kills="worker")
    worker.wait()
    shop.start_worker()
    until(lambda: shop.count("retrying") == 1, what="its last try, which waits")


@pytest.mark.parametrize("pool", most_nightly(["threads", "prefork", "solo"], "threads", "prefork"))
def test_a_job_that_would_end_its_worker_is_dead(open_shop: OpenShop, pool: str) -> None:
    shop = open_shop(pool, broker_transport_options={"max_rescues": 0, "poison_pause": 0.1})
    shop.add(FATAL)
    worker = shop.start_worker()
    jobs = shop.order("giant", task="shop.grow")
    if pool == "threads":  # more jobs than the pool has places
        jobs += shop.order("one", "two", "three", task="shop.leave")
        jobs += shop.order("odd", task="shop.odd")
    shop.order("vase")
    assert not shop.lost(["vase"], 30)
    shop.until(lambda: shop.given_up() == len(jobs) and shop.in_hand() == 0, "the ends", worker)
    if pool == "threads":
        [odd] = get_jobs(shop.queue, jobs[-1:])
        assert odd.timeline[-1].detail == r"ValueError: no such file: caf\udce9.txt"


def test_a_job_whose_failure_cannot_be_stored_frees_its_thread(open_shop: OpenShop) -> None:
    """The result backend is away when Celery stores the failure of a rejected job."""
    shop = open_shop("threads", broker_transport_options={"max_rescues": 0, "poison_pause": 0.1})
    shop.add(
        "from celery.exceptions import Reject\n\n\n"
        '@app.task(name="shop.refuse")\ndef refuse(parcel):\n    raise Reject(parcel)\n'
    )
    shop.settings |= {
        "result_backend": "redis://127.0.0.1:1/0",
        "result_backend_transport_options": {"retry_policy": {"max_retries": 0}},
    }
    shop.start_worker()
    del shop.settings["result_backend"]  # for the producer, which would wait for the backend too
    shop.order("letter", task="shop.refuse")
    shop.until(lambda: shop.given_up() == 1 and shop.in_hand() == 0, "its end")


@pytest.mark.parametrize("seen_by", ["a claim", "its end", "a check"])
def test_the_deaths_of_a_job_without_a_record_are_forgotten(scene: Scene, seen_by: str) -> None:
    """A stale entry in `deaths` would slow every later claim: while the hash has entries, claims
    check the queued jobs one by one."""
    client = scene.queue.client
    scene.die_with_a_job("w0")
    client.hset("deaths", "~job-1", 1)
    held = scene.claim("w1") if seen_by == "its end" else None
    client.delete("job:job-1")
    if held:
        scene.queue.finish(held, Disposition.DONE)
    elif seen_by == "a claim":
        scene.start("w1")
        assert scene.takes("w1") == []
    else:
        client.lrem("queue:mail", 1, "job-1")
        rescue_now(scene.queue)
    assert not client.exists("deaths")


@pytest.mark.parametrize(("ignored", "state"), [(False, "FAILURE"), (True, "PENDING")])
def test_a_dead_job_has_no_result_if_its_task_ignores_it(ignored: bool, state: str) -> None:
    app = Celery(backend="cache+memory://", set_as_current=False)
    job = {"headers": {"id": state, "ignore_result": ignored}, "body": "[[], {}, {}]"}
    control_replies.store_failures(app, [json.dumps(job)])
    assert app.AsyncResult(state).state == state

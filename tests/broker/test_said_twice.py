"""Tests of lost replies and late acknowledgements: a repeated command counts once, and a late
acknowledgement counts only if the job was done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from broker.scene import LEASE, LISTS, Scene

from demo_app.broker.claim import Claim, Disposition, Ending
from demo_app.broker.in_flight import InFlight
from demo_app.broker.queue import Kind

LATER = 4e9  # epoch seconds, far in the future


def _publish(
    scene: Scene,
    job_id: str = "a",
    retries: int = 0,
    tag: str = "one",
    due: float | None = None,
    kind: Kind = Kind.JOB,
    list_name: str = "mail",
) -> None:
    headers = {"task": "outside.work", "id": job_id, "retries": retries}
    info = {"exchange": "", "routing_key": list_name, "list": list_name}
    properties = {"delivery_tag": tag, "delivery_info": info}
    text = json.dumps({"body": "[[1],{},{}]", "headers": headers, "properties": properties})
    scene.queue.publish(text, job_id, list_name, kind=kind, due=due)


@pytest.fixture
def running(scene: Scene) -> Claim:
    _publish(scene)
    return scene.claim()


def test_an_id_that_a_producer_uses_again_is_another_job(scene: Scene) -> None:
    _publish(scene, tag="one")
    _publish(scene, tag="two")
    assert scene.count == {"enqueued": 2, "queued": 2}, "stock Celery would run both"


@pytest.mark.parametrize("retries", [0, 1])
def test_an_id_used_again_while_its_job_runs_is_another_job(
    scene: Scene, running: Claim, retries: int
) -> None:
    _publish(scene, tag="two", retries=retries)
    _publish(scene, tag="three", retries=retries)
    assert scene.count == {"enqueued": 3, "running": 1, "queued": 2}
    scene.lose()
    assert scene.waiting == ["a", "a#2", "a#3"], "the job of a dead worker runs again"


@pytest.mark.parametrize("job_id", ["a", "~a"])
def test_each_job_of_an_id_used_twice_can_be_shown_and_purged(scene: Scene, job_id: str) -> None:
    for tag in ("one", "two"):
        _publish(scene, job_id, tag=tag, due=LATER)
    first = job_id.replace("~", "=~")
    for job in (first, f"{first}#2"):
        shown = scene.job(job)
        assert (shown.id, shown.task, shown.queue) == (job, "outside.work", "mail")
    assert scene.queue.purge_due_later(LISTS, by="purge") == 2


def test_a_message_that_an_exchange_routes_to_two_queues_is_two_jobs(scene: Scene) -> None:
    _publish(scene, list_name="mail")
    _publish(scene, list_name="copies")
    assert scene.count == {"enqueued": 2, "queued": 2}


@pytest.mark.parametrize("state", ["queued", "running", "done"])
def test_each_job_of_an_id_that_is_published_again_stays_one_job(scene: Scene, state: str) -> None:
    jobs = [("one", "mail"), ("one", "copies"), ("two", "mail")]
    for tag, list_name in jobs:
        _publish(scene, tag=tag, list_name=list_name)
    if state != "queued":
        scene.start("w")
        for claimed in scene.queue.claim("w", ["mail", "copies"], 3):
            if state == "done":
                scene.queue.finish(claimed.claim, Disposition.DONE)
    for tag, list_name in jobs:
        _publish(scene, tag=tag, list_name=list_name)
    assert scene.count == {"enqueued": 3, state: 3}


@pytest.mark.parametrize("state", ["queued", "running", "done"])
def test_a_publish_sent_again_is_one_job(scene: Scene, state: str) -> None:
    _publish(scene)
    if state != "queued":
        claim = scene.claim()
        if state == "done":
            scene.queue.finish(claim, Disposition.DONE)
    _publish(scene)
    assert scene.count == {"enqueued": 1, state: 1}


def test_a_next_try_whose_job_does_not_run_any_more_is_another_job(
    scene: Scene, running: Claim
) -> None:
    scene.queue.finish(running, Disposition.DONE)
    _publish(scene, retries=1, tag="two", kind=Kind.NEXT_TRY)
    assert scene.count == {"enqueued": 2, "done": 1, "queued": 1}


def test_a_reply_sent_again_is_in_its_list_once(scene: Scene) -> None:
    for _ in range(2):
        _publish(scene, "~reply", kind=Kind.MESSAGE)
    assert len(scene.waiting) == 1


_STATE_AFTER = {
    Disposition.DONE: "done",
    Disposition.RETRY: "retrying",
    Disposition.DISCARD: "discarded",
    Disposition.DEAD: "dead",
    Disposition.REQUEUE: "queued",
    Disposition.REQUEUE_LAST: "queued",
    Disposition.UNANSWERED: "queued",
    Disposition.LOST: "queued",
}


@pytest.mark.parametrize(("how", "state"), _STATE_AFTER.items())
def test_an_acknowledgement_moves_the_job_to_one_place_and_is_not_late_when_sent_again(
    scene: Scene, running: Claim, how: Disposition, state: str
) -> None:
    for _ in range(2):
        assert scene.queue.finish(running, how, after=60.0).in_time
        assert scene.count == {"enqueued": 1, state: 1}
    assert scene.job("a").state == state


@pytest.mark.parametrize("how", [Disposition.DONE, Disposition.REQUEUE])
def test_an_acknowledgement_sent_again_does_not_touch_a_newer_claim(
    scene: Scene, running: Claim, how: Disposition
) -> None:
    scene.queue.finish(running, Disposition.REQUEUE)
    new = scene.claim()
    assert not scene.queue.finish(running, how).in_time
    assert scene.count == {"enqueued": 1, "running": 1, "late": 1}
    assert scene.queue.finish(new, Disposition.DONE).in_time


@pytest.mark.parametrize(
    ("other", "mine", "state"),
    [
        *((other, Disposition.DONE, _STATE_AFTER[other]) for other in list(_STATE_AFTER)[:4]),
        (None, Disposition.RETRY, "queued"),
        (None, Disposition.DEAD, "queued"),
        (None, Disposition.REQUEUE, "queued"),
    ],
)
def test_after_a_lost_lease_who_finished_first_is_right_and_a_failure_does_not_count(
    scene: Scene, running: Claim, other: Disposition | None, mine: Disposition, state: str
) -> None:
    scene.lose()
    if other:
        scene.queue.finish(scene.claim("other"), other, after=600.0)
    assert not scene.queue.finish(running, mine).in_time
    assert scene.count == {"enqueued": 1, state: 1, "late": 1}


@pytest.mark.parametrize("where", ["queued", "running"])
def test_that_a_job_was_done_counts_though_its_lease_was_lost(
    scene: Scene, running: Claim, where: str
) -> None:
    scene.lose()
    again = scene.claim("other") if where == "running" else None
    assert scene.queue.finish(running, Disposition.DONE).in_time
    assert scene.count == {"enqueued": 1, "done": 1}
    if again:
        assert not scene.queue.finish(again, Disposition.DONE).in_time
        assert scene.count == {"enqueued": 1, "done": 1, "late": 1}


def test_a_worker_taken_for_dead_can_neither_beat_nor_claim_nor_go_on(
    scene: Scene, running: Claim
) -> None:
    scene.put(2)
    scene.lose()
    assert scene.queue.beat("w", LEASE, "{}").send() is False
    with pytest.raises(redis.ResponseError, match="LEASELOST"):
        scene.takes()
    ended = scene.queue.finish(running, Disposition.DEAD, next_for=("w", LISTS))
    assert (ended.in_time, ended.following) == (False, None)
    scene.start("other")
    [again] = scene.queue.claim("other", LISTS)
    assert (again.claim.id, again.redelivered) == ("a", True), "a late end changes nothing"


@pytest.mark.parametrize("how", ["done", "requeue", "dead", "lost", "discard", "left"])
@pytest.mark.parametrize("record", ["kept", "deleted"])
def test_a_next_try_that_was_published_stands_unless_its_job_is_discarded(
    scene: Scene, running: Claim, how: str, record: str
) -> None:
    _publish(scene, retries=1, due=LATER, tag="two", kind=Kind.NEXT_TRY)
    if record == "deleted":
        scene.queue.client.delete("job:a")
    if how == "left":
        scene.queue.deregister("w")
    else:
        for _ in range(1 + (record == "kept")):
            assert scene.queue.finish(running, Disposition(how)).in_time
    state = "discarded" if how == "discard" else "retrying"
    assert scene.count == {"enqueued": 1, state: 1}
    if state == "retrying":
        message: Any = scene.queue.client.lindex("job:a", 0)
        assert json.loads(message)["headers"]["retries"] == 1
    assert not scene.queue.client.keys("successor:*")


@pytest.mark.parametrize("how", [Disposition.DONE, Disposition.RETRY, Disposition.DISCARD])
def test_a_job_whose_record_was_deleted_is_still_counted(
    scene: Scene, running: Claim, how: Disposition
) -> None:
    scene.queue.client.delete("job:a")
    message = '{"body": "", "headers": {}}' if how is Disposition.RETRY else ""
    scene.queue.finish(running, how, after=60.0, message=message)
    assert scene.count == {"enqueued": 1, _STATE_AFTER[how]: 1}


def _look_for_unanswered(here: InFlight) -> None:
    step = here.give_back_unanswered()
    step.handle(here.queue.scripts.run(*step.call))


def test_a_claims_answer_that_comes_after_the_claim_was_given_back_is_refused(scene: Scene) -> None:
    with scene.working() as here:
        scene.put(1)
        [late] = scene.queue.claim(here.lease.worker, LISTS)
        for _ in range(2):  # only the second check gives the claim back
            _look_for_unanswered(here)
        assert scene.waiting == ["job-1"]
        assert here.track(late) is None
        assert here.held() == {}
        [again] = scene.queue.claim(here.lease.worker, LISTS)
        assert here.track(again) is not None


def test_a_job_whose_claims_are_never_answered_is_dead_and_takes_no_other_with_it(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """For example, its message may be too large for a busy machine to receive it in time."""
    with scene.working() as here:
        scene.put(1, 2, 3)
        too_large, batches = "job-2", []
        for _ in range(20):
            claimed = scene.queue.claim(here.lease.worker, LISTS, 3)
            if not claimed:
                break
            ids = [one.claim.id for one in claimed]
            batches.append(ids)
            if too_large not in ids:
                tags = [here.track(one) for one in claimed]
                for tag in filter(None, tags):
                    here.finish(tag, Ending(Disposition.DONE))
            for _ in range(2):
                _look_for_unanswered(here)
    alone = [["job-2"]] * 4
    assert batches == [["job-1", "job-2", "job-3"], ["job-1"], *alone, ["job-3"]]
    assert scene.count == {"enqueued": 3, "done": 2, "dead": 1}
    reason = scene.job("job-2").timeline[-1].notes["text"]
    assert reason == "the answer to its claim was lost 5 times in a row"
    assert "arrived: job-2" in caplog.text


@pytest.fixture
def here(scene: Scene) -> Iterator[InFlight]:
    _publish(scene)
    with scene.working() as found:
        [claimed] = scene.queue.claim(found.lease.worker, LISTS)
        assert found.track(claimed) == "1"
        yield found
    assert scene.count == {"enqueued": 1, "done": 1}


def _away_for(here: InFlight, commands: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next `commands` commands fail, as if Redis were down."""
    run, away = here.queue._run, [True] * commands

    def when_it_is_back(*words: Any) -> Any:
        if away and away.pop():
            raise redis.ConnectionError("it is away")
        return run(*words)

    monkeypatch.setattr(here.queue, "_run", when_it_is_back)


class Delivered:
    """A stand-in for Celery's request.

    `InFlight` keeps a weak reference to it: once the object is deleted, its message can't run.
    """


@pytest.mark.parametrize("looks_while_away", [False, True])
def test_a_job_that_ended_while_redis_was_away_is_not_given_back_as_forgotten(
    here: InFlight, monkeypatch: pytest.MonkeyPatch, looks_while_away: bool
) -> None:
    delivered = Delivered()
    here.claims.delivered("1", delivered)
    _away_for(here, 1 + looks_while_away, monkeypatch)
    here.finish("1", Ending(Disposition.DONE))
    here.claims.channel_closed(["1"])
    del delivered
    here.give_back_forgotten()
    here.acknowledge_pending()


def test_a_worker_that_leaves_while_redis_is_away_still_says_how_its_job_ended(
    here: InFlight, monkeypatch: pytest.MonkeyPatch
) -> None:
    _away_for(here, 2, monkeypatch)
    assert here.finish("1", Ending(Disposition.DONE)) is None
    assert list(here.held()) == ["1"], "it takes up its place until then"

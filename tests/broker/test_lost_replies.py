"""Tests of lost replies and late or failed acknowledgements: a repeated command counts once, a late
acknowledgement counts only if it reports success, and a failed one affects only its own job."""

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
import redis
from broker.scene import LEASE, LISTS, Scene

from demo_app.broker.claim import Claim, Disposition, Ending
from demo_app.broker.in_flight import InFlight
from demo_app.broker.message import parse
from demo_app.broker.queue import Kind

LATER = 4e9  # epoch seconds, far in the future


@pytest.fixture
def running(scene: Scene) -> Claim:
    scene.publish()
    return scene.claim()


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("retries", [0, 1])
def test_the_id_of_a_running_job_can_be_used_again(scene: Scene, retries: int) -> None:
    scene.publish(tag="two", retries=retries)
    scene.publish(tag="three", retries=retries)
    assert scene.count == {"enqueued": 3, "running": 1, "queued": 2}
    scene.lose()
    assert scene.waiting == ["a", "a#2", "a#3"], "the job of a dead worker runs again"


@pytest.mark.parametrize("job_id", ["a", "~a"])
def test_jobs_with_the_same_id_are_shown_and_purged(scene: Scene, job_id: str) -> None:
    for tag in ("one", "two"):
        scene.publish(job_id, tag=tag, due=LATER)
    first = job_id.replace("~", "=~")
    for job in (first, f"{first}#2"):
        shown = scene.job(job)
        assert (shown.id, shown.task, shown.queue) == (job, "outside.work", "mail")
    assert scene.queue.purge_due_later(LISTS, by="purge") == 2


@pytest.mark.parametrize("state", ["queued", "running", "done"])
def test_a_repeated_publish_adds_no_job(scene: Scene, state: str) -> None:
    """A new delivery tag is a new job. Each queue to which an exchange routes gets its own job."""
    jobs = [("one", "mail"), ("one", "copies"), ("two", "mail")]
    for tag, list_name in jobs:
        scene.publish(tag=tag, list_name=list_name)
    if state != "queued":
        scene.start("w")
        for claimed in scene.queue.claim("w", ["mail", "copies"], 3):
            if state == "done":
                scene.queue.finish(claimed.claim, Disposition.DONE)
    for tag, list_name in jobs:
        scene.publish(tag=tag, list_name=list_name)
    assert scene.count == {"enqueued": 3, state: 3}


def test_the_next_try_of_an_ended_job_is_another_job(scene: Scene, running: Claim) -> None:
    scene.queue.finish(running, Disposition.DONE)
    scene.publish(retries=1, tag="two", kind=Kind.NEXT_TRY)
    assert scene.count == {"enqueued": 2, "done": 1, "queued": 1}


def test_a_repeated_reply_is_in_its_list_once(scene: Scene) -> None:
    for _ in range(2):
        scene.publish("~reply", kind=Kind.MESSAGE)
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
def test_a_repeated_acknowledgement_is_not_late(
    scene: Scene, running: Claim, how: Disposition, state: str
) -> None:
    for _ in range(2):
        assert scene.queue.finish(running, how, after=60.0).in_time
        assert scene.count == {"enqueued": 1, state: 1}
    assert scene.job("a").state == state


@pytest.mark.parametrize("how", [Disposition.DONE, Disposition.REQUEUE])
def test_a_repeated_end_keeps_a_newer_claim(scene: Scene, running: Claim, how: Disposition) -> None:
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
def test_after_a_lost_lease_the_first_end_counts_and_a_late_failure_does_not(
    scene: Scene, running: Claim, other: Disposition | None, mine: Disposition, state: str
) -> None:
    scene.lose()
    if other:
        scene.queue.finish(scene.claim("other"), other, after=600.0)
    assert not scene.queue.finish(running, mine).in_time
    assert scene.count == {"enqueued": 1, state: 1, "late": 1}


@pytest.mark.parametrize("where", ["queued", "running"])
def test_after_a_lost_lease_a_done_job_is_done(scene: Scene, running: Claim, where: str) -> None:
    scene.lose()
    again = scene.claim("other") if where == "running" else None
    assert scene.queue.finish(running, Disposition.DONE).in_time
    assert scene.count == {"enqueued": 1, "done": 1}
    if again:
        assert not scene.queue.finish(again, Disposition.DONE).in_time
        assert scene.count == {"enqueued": 1, "done": 1, "late": 1}


def test_a_worker_that_was_declared_dead_cannot_go_on(scene: Scene, running: Claim) -> None:
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
def test_a_published_next_try_stays(scene: Scene, running: Claim, how: str, record: str) -> None:
    scene.publish(retries=1, due=LATER, tag="two", kind=Kind.NEXT_TRY)
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
        assert json.loads(scene.queue.client.lindex("job:a", 0))["headers"]["retries"] == 1
    assert not scene.queue.client.keys("successor:*")


@pytest.mark.parametrize("how", [Disposition.DONE, Disposition.RETRY, Disposition.DISCARD])
def test_a_job_without_a_record_is_counted(scene: Scene, running: Claim, how: Disposition) -> None:
    scene.queue.client.delete("job:a")
    message = '{"body": "", "headers": {}}' if how is Disposition.RETRY else ""
    scene.queue.finish(running, how, after=60.0, message=message)
    assert scene.count == {"enqueued": 1, _STATE_AFTER[how]: 1}


def _requeue_unanswered(here: InFlight) -> None:
    """Check twice. The second check requeues the claims whose replies did not arrive."""
    for _ in range(2):
        step = here.give_back_unanswered()
        step.handle(here.queue.scripts.run(*step.call))


def test_the_late_reply_to_a_requeued_claim_is_refused(scene: Scene) -> None:
    with scene.working() as here:
        scene.put(1)
        [late] = scene.queue.claim(here.lease.worker, LISTS)
        _requeue_unanswered(here)
        assert scene.waiting == ["job-1"]
        assert here.track(late) is None
        assert here.held() == {}
        [again] = scene.queue.claim(here.lease.worker, LISTS)
        assert here.track(again) is not None


def test_a_job_that_cannot_arrive_is_dead(scene: Scene) -> None:
    """For example, its message may be too large for a busy machine to receive it in time."""
    reported: list[str] = []
    with scene.working(on_dead=reported.extend) as here:
        scene.put(1, 2, 3)
        too_large, batches = "job-2", []
        while claimed := scene.queue.claim(here.lease.worker, LISTS, 3):
            ids = [one.claim.id for one in claimed]
            batches.append(ids)
            if too_large not in ids:
                for tag in filter(None, map(here.track, claimed)):
                    here.finish(tag, Ending(Disposition.DONE))
            _requeue_unanswered(here)
    assert batches == [["job-1", "job-2", "job-3"], ["job-1"], *[["job-2"]] * 4, ["job-3"]]
    assert scene.count == {"enqueued": 3, "done": 2, "dead": 1}
    reason = scene.job("job-2").timeline[-1].notes["text"]
    assert reason == "the answer to its claim was lost 5 times in a row"
    assert [parse(text).id for text in reported] == ["job-2"], "its result is an error"


@pytest.fixture
def here(scene: Scene) -> Iterator[InFlight]:
    """Yield a worker's in-flight jobs: `job-1` and `job-2` under the tags 1 and 2."""
    scene.put(1, 2)
    with scene.working() as found:
        for claimed in scene.queue.claim(found.lease.worker, LISTS, 2):
            found.track(claimed)
        yield found


def _fail(here: InFlight, commands: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next commands fail, as if Redis were down."""
    run, away = here.queue._run, [True] * commands

    def when_it_is_back(*words: Any) -> Any:
        if away and away.pop():
            raise redis.ConnectionError("Redis is down")
        return run(*words)

    monkeypatch.setattr(here.queue, "_run", when_it_is_back)


@pytest.mark.parametrize("failures", [1, 2])
def test_a_job_that_ended_while_redis_was_down_is_not_requeued_as_forgotten(
    here: InFlight, scene: Scene, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    """`InFlight` has a weak reference to Celery's request: when that is deleted, the job can't run.
    The second failure is that of the check for such jobs."""
    request = set[str]()  # any object that supports weak references
    here.claims.delivered("1", request)
    _fail(here, failures, monkeypatch)
    here.finish("1", Ending(Disposition.DONE))
    here.claims.channel_closed(["1"])
    del request
    here.give_back_forgotten()
    here.acknowledge_pending()
    assert [event.event for event in scene.job().timeline] == ["enqueued", "claimed", "done"]


def test_a_worker_that_leaves_sends_its_pending_acknowledgements(
    here: InFlight, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fail(here, 2, monkeypatch)
    assert here.finish("1", Ending(Disposition.DONE)) is None
    assert list(here.held()) == ["1", "2"], "it keeps its place until then"
    here.leave()
    assert scene.count == {"enqueued": 2, "done": 1, "queued": 1}


@pytest.mark.parametrize("how", [Disposition.DONE, Disposition.RETRY])
def test_an_unsendable_end_has_no_detail(here: InFlight, scene: Scene, how: Disposition) -> None:
    here.set_ending("1", Ending(how, cast("str", {"no": "text"}), after=60.0))
    here.finish("1", Ending(Disposition.DONE))
    assert list(here.held()) == ["2"]
    assert scene.job().state == ("done" if how is Disposition.DONE else "dead")
    assert "Error: " in scene.job().timeline[-1].detail


def test_an_acknowledgement_that_redis_refuses_blocks_no_other(
    here: InFlight, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fail(here, 2, monkeypatch)
    for tag in ("1", "2"):
        here.finish(tag, Ending(Disposition.DONE))
    record = scene.queue.client.dump("job:job-1")
    scene.queue.client.set("job:job-1", "of another type")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        here.acknowledge_pending()
    assert scene.job("job-2").state == "done"
    scene.queue.client.restore("job:job-1", 0, record, replace=True)
    here.acknowledge_pending()
    assert scene.job("job-1").state == "done"

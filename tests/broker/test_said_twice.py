"""An answer of Redis can be lost on its way: whatever is said again counts once."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis

from demo_app.broker.claim import Claim, Disposition, Ending
from demo_app.broker.in_flight import InFlight
from demo_app.broker.options import Options
from demo_app.broker.queue import Kind, Queue

STATES = ("queued", "running", "scheduled", "retrying", "dead", "done", "discarded")
LATER = 4e9  # epoch seconds, far in the future


def _text(job_id: str, retries: int = 0, tag: str = "one") -> str:
    """A message as a Celery producer writes it; tag: each publishing has another."""
    headers = {"task": "outside.work", "id": job_id, "retries": retries}
    info = {"exchange": "", "routing_key": "mail", "lane": "mail"}
    properties = {"delivery_tag": tag, "delivery_info": info}
    return json.dumps({"body": "[[1],{},{}]", "headers": headers, "properties": properties})


def _publish(store: Queue, text: str, job_id: str = "a", due: float | None = None) -> None:
    kind = Kind.MESSAGE if job_id.startswith("~") else Kind.JOB
    store.publish(text, job_id, "mail", kind=kind, due=due)


def _claimed(store: Queue) -> Claim:
    (found,) = store.claim("w", ["mail"])
    return found.claim


def _running(store: Queue, job_id: str = "a") -> Claim:
    """The claim of a job that a worker runs."""
    store.register("w", 3000, "{}")
    _publish(store, _text(job_id), job_id)
    return _claimed(store)


def _count(store: Queue) -> dict[str, Any]:
    count: dict[str, Any] = store.snapshot().count
    assert count["enqueued"] == sum(count[state] for state in STATES)
    return count


def _retries(store: Queue) -> int:
    """Which try of the job `a` is stored."""
    message: Any = store.client.lindex("job:a", 0)
    return int(json.loads(message)["headers"]["retries"])


def test_the_same_message_sent_again_is_one_job(store: Queue) -> None:
    _publish(store, _text("a"))
    _publish(store, _text("a"))
    assert _count(store)["queued"] == 1


def test_the_same_message_sent_again_while_its_job_runs_is_one_job(store: Queue) -> None:
    claim = _running(store)
    _publish(store, _text("a"))
    assert store.finish(claim, Disposition.DONE).in_time
    assert _count(store)["enqueued"] == 1


def test_an_id_that_a_producer_uses_again_is_another_job(store: Queue) -> None:
    _publish(store, _text("a", tag="one"))
    _publish(store, _text("a", tag="two"))
    assert _count(store)["queued"] == 2, "stock Celery would run both"


def test_a_reply_sent_again_is_in_its_list_once(store: Queue) -> None:
    _publish(store, _text("~reply"), "~reply")
    _publish(store, _text("~reply"), "~reply")
    assert store.size(["mail"]) == 1


@pytest.mark.parametrize(
    "how",
    [
        Disposition.DONE,
        Disposition.DEAD,
        Disposition.DISCARD,
        Disposition.REQUEUE,
        Disposition.REQUEUE_LAST,
    ],
)
def test_an_acknowledgement_sent_again_is_not_late(store: Queue, how: Disposition) -> None:
    claim = _running(store)
    assert store.finish(claim, how).in_time
    assert store.finish(claim, how).in_time
    assert _count(store)["late"] == 0


def test_an_acknowledgement_sent_again_after_a_retry_is_not_late(store: Queue) -> None:
    claim = _running(store)
    _publish(store, _text("a", retries=1), due=LATER)
    assert store.finish(claim, Disposition.DONE).in_time
    assert store.finish(claim, Disposition.DONE).in_time
    assert _count(store)["late"] == 0
    assert _count(store)["retrying"] == 1


def test_the_news_of_a_lost_process_sent_again_is_not_late(store: Queue) -> None:
    strict = Queue(store.client, Options(max_rescues=0))
    claim = _running(store)
    assert strict.finish(claim, Disposition.LOST).in_time
    assert strict.finish(claim, Disposition.LOST).in_time
    count = _count(store)
    assert (count["retrying"], count["late"]) == (1, 0)


@pytest.mark.parametrize("how", [Disposition.DONE, Disposition.REQUEUE])
def test_an_acknowledgement_sent_again_does_not_touch_a_newer_claim(
    store: Queue, how: Disposition
) -> None:
    old = _running(store)
    store.finish(old, Disposition.REQUEUE)
    new = _claimed(store)
    assert not store.finish(old, how).in_time
    assert _count(store)["running"] == 1
    assert store.finish(new, Disposition.DONE).in_time


@pytest.mark.parametrize("how", ["done", "requeued", "dead", "left", "lost"])
def test_a_next_try_that_was_published_stands_however_its_job_ends(store: Queue, how: str) -> None:
    claim = _running(store)
    _publish(store, _text("a", retries=1), due=LATER)
    if how == "left":
        store.deregister("w")
    else:
        ends = {"requeued": Disposition.REQUEUE, "dead": Disposition.DEAD, "lost": Disposition.LOST}
        store.finish(claim, ends.get(how, Disposition.DONE))
    assert _count(store)["retrying"] == 1
    assert _retries(store) == 1


def test_a_discarded_job_leaves_no_next_try_behind(store: Queue) -> None:
    claim = _running(store)
    _publish(store, _text("a", retries=1), due=LATER)
    store.finish(claim, Disposition.DISCARD)
    assert _count(store)["discarded"] == 1
    assert store.client.keys("successor:*") == []


@pytest.mark.parametrize("how", [Disposition.DONE, Disposition.RETRY, Disposition.DISCARD])
def test_a_job_whose_record_was_deleted_is_still_counted(store: Queue, how: Disposition) -> None:
    claim = _running(store)
    store.client.delete("job:a")
    after = 60.0 if how is Disposition.RETRY else None
    message = _text("a", retries=1) if how is Disposition.RETRY else ""
    store.finish(claim, how, after=after, message=message)
    assert _count(store)["running"] == 0


@pytest.mark.parametrize("how", [Disposition.DONE, Disposition.LOST, Disposition.DISCARD])
def test_a_next_try_outlives_the_record_of_the_one_before(store: Queue, how: Disposition) -> None:
    claim = _running(store)
    _publish(store, _text("a", retries=1), due=LATER)
    store.client.delete("job:a")
    assert store.finish(claim, how).in_time
    count = _count(store)
    expected = "discarded" if how is Disposition.DISCARD else "retrying"
    assert (count[expected], count["enqueued"]) == (1, 1)


def test_a_claims_answer_that_comes_after_the_claim_was_given_back_is_refused(store: Queue) -> None:
    here = InFlight(Queue(store.client, Options(lease_seconds=60.0, heartbeat_seconds=60.0)))
    here.work(["mail"])
    try:
        _publish(store, _text("a"))
        [late] = store.claim(here.lease.worker, ["mail"])
        for _ in range(2):  # two looks in a row have met it
            here.give_back_unanswered()
        assert _count(store)["queued"] == 1
        assert here.track(late) is None
        assert here.held() == {}
        [again] = store.claim(here.lease.worker, ["mail"])
        assert here.track(again) is not None
    finally:
        here.leave()


class Delivered:
    """What Celery has for a message; when it is deleted, nothing can run the message any more."""


@pytest.mark.parametrize("looks_while_away", [False, True])
def test_a_job_that_ended_while_redis_was_away_is_not_given_back_as_forgotten(
    store: Queue, monkeypatch: pytest.MonkeyPatch, looks_while_away: bool
) -> None:
    here = InFlight(Queue(store.client, Options(lease_seconds=60.0, heartbeat_seconds=60.0)))
    here.work(["mail"])
    _publish(store, _text("a"))
    [claimed] = store.claim(here.lease.worker, ["mail"])
    tag, delivered = here.track(claimed), Delivered()
    assert tag is not None
    here.holding.delivered(tag, delivered)
    away_for(here, 1 + looks_while_away, monkeypatch)
    here.finish(tag, Ending(Disposition.DONE))
    here.holding.channel_closed([tag])
    del delivered
    here.give_back_forgotten()
    here.acknowledge_pending()
    assert (_count(store)["done"], _count(store)["queued"]) == (1, 0)
    here.leave()


def test_a_worker_that_leaves_while_redis_is_away_still_says_how_its_job_ended(
    store: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = InFlight(Queue(store.client, Options(lease_seconds=60.0, heartbeat_seconds=60.0)))
    here.work(["mail"])
    _publish(store, _text("a"))
    [claimed] = store.claim(here.lease.worker, ["mail"])
    tag = here.track(claimed)
    assert tag is not None
    away_for(here, 2, monkeypatch)
    assert here.finish(tag, Ending(Disposition.DONE)) is None
    assert list(here.held()) == [tag], "it takes up its place until then"
    here.leave()
    assert (_count(store)["done"], _count(store)["queued"]) == (1, 0)


def away_for(here: InFlight, commands: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Redis be away for so many commands of this process."""
    run, away = here.queue._run, [True] * commands

    def when_it_is_back(*words: Any) -> Any:
        if away and away.pop():
            raise redis.ConnectionError("it is away")
        return run(*words)

    monkeypatch.setattr(here.queue, "_run", when_it_is_back)

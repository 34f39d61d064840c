"""Tests of the atomic steps of a queue that the exploration (`tests/explore`) does not cover."""

import json
import time
from collections.abc import Callable
from functools import partial

import pytest
import redis
from broker.scene import LEASE, LISTS, Scene
from support import message, rescue_now

from demo_app.broker.claim import Disposition
from demo_app.broker.events import State
from demo_app.broker.inspect import get_job, page
from demo_app.broker.journal import all_events
from demo_app.broker.keys import MAX_QUEUES, list_of, lists_of, queue_of
from demo_app.broker.options import Options
from demo_app.broker.queue import Kind, Queue
from demo_app.broker.snapshot import JobSeen

HOUR = 3600.0
#: A message that is not a job, such as a reply of a worker.
MESSAGE = '{"properties":{"delivery_info":{"routing_key":"mail"}}}'


@pytest.mark.parametrize("how", ["it dies", "it leaves"])
def test_the_claims_of_a_worker_return_to_the_head_in_order(scene: Scene, how: str) -> None:
    scene.put(1, 2, 3, 4, 5)
    for _ in range(3):
        scene.claim()
    if how == "it dies":
        assert scene.lose() == ["job-3", "job-2", "job-1"]
    else:
        assert scene.queue.deregister("w") == 3
    assert scene.waiting == [f"job-{number}" for number in range(1, 6)]
    assert scene.queue.snapshot().workers == []


@pytest.mark.parametrize(
    ("how", "order"), [(Disposition.REQUEUE, (1, 2, 3)), (Disposition.REQUEUE_LAST, (2, 3, 1))]
)
def test_a_requeue_is_first_or_last(scene: Scene, how: Disposition, order: tuple[int, ...]) -> None:
    scene.put(1, 2, 3)
    scene.queue.finish(scene.claim(), how)
    assert scene.waiting == [f"job-{number}" for number in order]


def test_a_check_for_due_jobs_returns_when_the_next_job_is_due(scene: Scene) -> None:
    def hours(number: float) -> object:
        return pytest.approx(number * HOUR, abs=HOUR / 60)

    now, promote = time.time(), scene.queue.promote_due("w").send
    assert promote() == (0, None)
    scene.put(1, due=now + 2 * HOUR)
    scene.put(2, due=now - 1)
    assert scene.count == {"enqueued": 2, "scheduled": 1, "queued": 1}
    assert promote() == (0, hours(2))
    scene.fail(after=HOUR)
    assert promote() == (0, hours(1))
    scene.queue.client.zincrby("retrying", 2 * HOUR, "job-2")
    assert promote() == (0, hours(2))
    scene.queue.client.zadd("scheduled", {"job-1": now - 1})
    assert promote() == (1, hours(3))
    assert scene.waiting == ["job-1"]


@pytest.mark.parametrize("waits", ["since before", "as a retry", "until a moment"])
def test_a_delay_keeps_its_length_when_the_clock_is_corrected(scene: Scene, waits: str) -> None:
    """A wait of one hour lasts one hour, also if Redis's clock was a day ahead and is set back."""
    now, day = time.time(), 24 * HOUR
    scene.put(1, due=now + day + HOUR if waits == "since before" else None)
    scene.note_earlier(-day)
    scene.queue.client.hset("server", mapping={"at": now + day, "ahead": day})
    if waits == "as a retry":
        scene.fail(after=HOUR)
    elif waits == "until a moment":
        scene.put(2, due=now + HOUR)
    assert scene.queue.promote_due("w").send() == (0, pytest.approx(HOUR, abs=HOUR / 4))


@pytest.mark.parametrize(("slept", "moves"), [(True, 0.0), (False, 60.0)])
def test_due_times_follow_a_jump_of_redis_s_clock(scene: Scene, slept: bool, moves: float) -> None:
    """If only Redis's clock has jumped, due times are moved. They are not moved after a sleep of
    the machine, since the worker's own clock has jumped too."""
    due, queue = time.time() + 90.0, scene.queue
    scene.put(1, due=due)
    scene.note_earlier(70.0)
    then, own_then, wall_then = queue._clock or (0.0, 0.0, 0.0)
    queue._clock = (then - 60.0, own_then, wall_then - 60.0 * slept)
    for _ in range(2):
        rescue_now(queue, "w", LEASE)
    assert scene.job().due == pytest.approx(due + moves, abs=2)


def test_a_waiting_job_without_a_record_does_not_block_others(scene: Scene) -> None:
    scene.put(1, 2)
    scene.fail()
    scene.fail()
    scene.queue.client.delete("job:job-1")
    scene.queue.promote_due("w").send()
    assert scene.count == {"enqueued": 2, "queued": 1, "discarded": 1}
    assert scene.waiting == ["job-2"]


def test_a_clock_that_is_set_back_extends_no_lease(scene: Scene) -> None:
    scene.start("w")
    scene.queue.client.pexpire("worker:w", 60 * LEASE)
    rescue_now(scene.queue, "other", LEASE)
    assert 0 < scene.queue.client.pttl("worker:w") <= LEASE


def test_only_the_newest_done_jobs_are_kept(store: Queue) -> None:
    short = Scene(Queue(store.client, Options(history_length=100)))
    short.put(*range(150))
    for _ in range(150):
        short.queue.finish(short.claim(), Disposition.DONE)
    assert 100 <= store.client.zcard("done") < 164, "they are counted at every 64th end"
    assert get_job(store, "job-0") is None
    assert short.job("job-149").state == "done"
    assert short.count == {"enqueued": 150, "done": 150}


def test_a_snapshot_has_the_states_of_many_jobs(scene: Scene) -> None:
    scene.put(*range(1200))
    scene.claim()
    waiting = [f"job-{number}" for number in range(1, 1200)]
    found = scene.queue.snapshot(ids=["job-0", *waiting, "no such job"]).looked_up
    assert found.keys() == {"job-0", *waiting}
    assert found["job-0"] == JobSeen(State.RUNNING, "w", rescued=False)
    assert {found[job].state for job in waiting} == {State.QUEUED}


def test_each_step_that_queues_a_job_wakes_a_worker(scene: Scene) -> None:
    queue = scene.queue

    def ends_its_wait(act: Callable[[], object]) -> bool:
        assert queue.scripts.run("claim", "idle", 1, *LISTS) == []
        assert not queue.client.keys("wake:*"), "the tokens of an empty queue are stale"
        act()
        return queue.client.llen("wake:mail") == 1

    scene.start("idle")
    assert not ends_its_wait(lambda: None)
    assert ends_its_wait(lambda: scene.put(1))
    for how in (Disposition.REQUEUE, Disposition.LOST):
        assert ends_its_wait(partial(queue.finish, scene.claim("idle"), how)), how
    scene.fail("idle")
    assert ends_its_wait(lambda: queue.promote_due("idle").send())
    scene.claim("leaving")
    assert ends_its_wait(lambda: queue.deregister("leaving"))
    scene.claim("dying")
    assert ends_its_wait(lambda: scene.lose("dying"))


def test_there_are_as_many_tokens_as_jobs_or_workers(scene: Scene) -> None:
    for worker in ("a", "b", "c"):
        scene.start(worker)
    scene.put(1)
    assert scene.queue.client.llen("wake:mail") == 1
    scene.put(*range(2, 9))
    assert scene.queue.client.llen("wake:mail") == 3


def test_a_missing_token_of_a_queued_job_is_replaced(scene: Scene) -> None:
    queue, client = scene.queue, scene.queue.client

    def is_replaced_by(act: Callable[[], object]) -> bool:
        client.delete("wake:mail")
        act()
        return client.llen("wake:mail") == 1

    scene.start("w")
    scene.put(1)
    assert is_replaced_by(queue.held_by("w", LISTS).send)
    queue.pause_queue("mail", True)
    assert scene.takes() == []
    assert is_replaced_by(partial(queue.pause_queue, "mail", False))
    queue.pause("w", True)
    assert client.llen("resume:w") == 1, "a paused worker waits for its own token"
    assert is_replaced_by(partial(queue.scripts.run, "claim", "w", 1, *LISTS))


@pytest.mark.parametrize("step", ["claim", "acknowledgement"])
@pytest.mark.parametrize(("what", "gets"), [("worker", []), ("queue", ["job-3"])])
def test_a_pause_stops_claims(scene: Scene, step: str, what: str, gets: list[str]) -> None:
    queue, lists = scene.queue, lists_of("mail", "other")
    pause = partial(queue.pause, "w") if what == "worker" else partial(queue.pause_queue, "mail")
    scene.put(1, 2)
    scene.put(3, queue="other")
    held = scene.claim()
    pause(True)
    if step == "claim":
        got = queue.claim("w", lists)
    else:
        following = queue.finish(held, Disposition.DONE, next_for=("w", lists)).following
        got = [following] if following else []
    assert [one.claim.id for one in got] == gets
    assert not scene.takes()
    pause(False)
    assert scene.takes() == ["job-2"]


def test_a_pause_outlives_an_expired_lease_but_not_a_shutdown(scene: Scene) -> None:
    scene.start("w.1")
    scene.queue.pause("w.1", True)
    for epoch in (1, 2):
        scene.lose(f"w.{epoch}")
        scene.start(f"w.{epoch + 1}", instead_of=f"w.{epoch}")
    scene.put(1)
    assert scene.takes("w.3") == []
    scene.queue.pause("w.3", False)
    assert scene.takes("w.3") == ["job-1"]
    scene.lose("w.3")
    scene.start("w.4", instead_of="w.3")
    assert scene.takes("w.4") == ["job-1"]
    scene.queue.pause("w.4", True)
    scene.queue.deregister("w.4")
    scene.start("w.5", instead_of="w.4")
    assert scene.takes("w.5") == ["job-1"]


def test_a_queued_job_can_be_deleted_and_a_running_one_cannot(scene: Scene) -> None:
    scene.put(1, 2)
    scene.claim()
    assert scene.decide("delete", "job-1") == ""
    assert scene.decide("discard", "job-2") == ""
    assert scene.decide("delete", "job-2") == "queued"
    assert scene.count == {"enqueued": 2, "running": 1, "discarded": 1}


def test_each_event_has_its_author_and_its_reason(scene: Scene) -> None:
    queue = scene.queue
    queue.enqueue(message(1), by="a producer")
    scene.start("three")
    ends = [
        ("one", Disposition.RETRY, "it failed"),
        ("one", Disposition.REQUEUE, "it stops"),
        ("one", Disposition.LOST, "its process died"),
        ("three", Disposition.DEAD, "it is no use"),
    ]
    for worker, how, detail in ends:
        queue.finish(scene.claim(worker), how, detail=detail, after=-1.0)
        queue.promote_due("two").send()
    scene.decide()
    late = scene.claim("one")
    scene.lose("one")
    queue.finish(late, Disposition.DEAD, detail="too late")
    scene.claim("three")
    queue.deregister("three")
    events = scene.job().timeline
    assert [(event.event, event.by, event.notes.get("text", "")) for event in events] == [
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
        ("rescued", "other", "one"),
        ("late", "one", "dead"),
        ("claimed", "three", ""),
        ("requeued", "three", "the worker stopped"),
    ]
    workers = [
        (entry["event"], entry["by"], entry["detail"])
        for _, entry in queue.client.xrange("journal")
        if entry["event"] in ("worker_died", "worker_stopped")
    ]
    assert workers == [("worker_died", "other", "one"), ("worker_stopped", "three", "")]


def test_an_empty_list_of_messages_without_claims_is_forgotten(store: Queue) -> None:
    store.register("w", 3000, "{}")
    store.publish(MESSAGE, "~held", "held", kind=Kind.MESSAGE)
    store.publish(MESSAGE, "~taken", "taken", kind=Kind.MESSAGE)
    (held,) = store.claim("w", ["held"])
    (taken,) = store.claim("w", ["taken"])
    store.finish(taken.claim, Disposition.DONE)
    store.publish(MESSAGE, "~new", "new", kind=Kind.TRANSIENT)
    assert store.client.smembers("transient") == {"held", "new"}
    store.finish(held.claim, Disposition.DONE)
    store.publish(MESSAGE, "~newer", "newer", kind=Kind.TRANSIENT)
    assert store.client.smembers("transient") == {"new", "newer"}


def test_the_keys_of_a_reply_that_nobody_receives_expire(store: Queue) -> None:
    """Each `celery inspect` has a queue of its own, so one key of each would fill Redis."""
    store.publish(MESSAGE, "~reply", "x.reply.celery.pidbox", kind=Kind.TRANSIENT)
    keys = store.client.keys("*reply*")
    assert len(keys) == 3
    assert [key for key in keys if store.client.ttl(key) < 0] == []


@pytest.mark.parametrize("job_first", [True, False])
def test_a_queue_of_a_message_and_a_job_is_shown_and_kept(scene: Scene, job_first: bool) -> None:
    if job_first:
        scene.put(1)
    scene.queue.publish(MESSAGE, "~message", "mail", kind=Kind.TRANSIENT)
    if not job_first:
        scene.put(1)
    assert scene.queue.client.ttl("queue:mail") == -1
    assert [queue.name for queue in scene.queue.snapshot().queues()] == ["mail"]
    assert scene.count == {"enqueued": 1, "queued": 1}
    scene.start("w")
    assert len(scene.takes(limit=2)) == 2
    assert scene.count == {"enqueued": 1, "running": 1}


def test_of_many_lists_the_empty_ones_are_forgotten(scene: Scene) -> None:
    names = [f"q{number}" for number in range(150)]
    held, paused, waiting, idle = names[:40], names[40:60], names[60:90], names[90:]
    scene.start("w")
    scene.start("x")
    for number, name in enumerate(names):
        scene.put(number, queue=name)
    for name in (*held, *paused, *idle):
        [claimed] = scene.queue.claim("wx"[len(name) % 2], [name])
        if name not in held:
            scene.queue.finish(claimed.claim, Disposition.DONE)
    scene.queue.client.sadd("paused", *(f"queue:{name}" for name in paused))
    for _ in range(200):
        rescue_now(scene.queue)
    listed = scene.queue.client.smembers("lists")
    assert len(listed) <= 100
    assert {*held, *paused, *waiting} <= listed
    forgotten = next(name for name in idle if name not in listed)
    scene.put(200, queue=forgotten)
    assert forgotten in scene.queue.client.smembers("lists")
    assert len(scene.lose("w")) + len(scene.lose("x")) == 40
    assert scene.count == {"enqueued": 151, "done": 80, "queued": 71}


def test_the_first_success_wakes_ten_jobs_with_the_same_need(scene: Scene) -> None:
    for number in range(25):
        scene.put(number)
        scene.fail(after=3600.0, needs="mail")
    for number, needs in ((98, "another thing"), (99, "mail")):
        assert not scene.waiting
        scene.put(number)
        scene.queue.finish(scene.claim(), Disposition.DONE, needs=needs)
    assert len(scene.waiting) == 10
    while claimed := scene.queue.claim("w", LISTS):
        scene.queue.finish(claimed[0].claim, Disposition.DONE, needs="mail")
    assert scene.count == {"enqueued": 27, "done": 27}


def test_a_job_that_failed_again_for_another_reason_is_not_woken(scene: Scene) -> None:
    for number in range(3):
        scene.put(number)
        scene.fail(needs="mail")
    scene.queue.promote_due("w").send()
    scene.fail(after=3600.0)
    scene.fail(after=3600.0, needs="another thing")
    scene.fail(after=3600.0, needs="mail")
    scene.put(99)
    scene.queue.finish(scene.claim(), Disposition.DONE, needs="mail")
    assert scene.waiting == ["job-2"]


def test_a_queue_key_of_another_type_loses_no_due_job(scene: Scene) -> None:
    scene.put(1, due=time.time() - HOUR)
    scene.put(2, due=time.time() + HOUR)
    scene.queue.client.zadd("scheduled", {"job-2": 1.0})
    scene.queue.client.rename("queue:mail", "kept")
    scene.queue.client.set("queue:mail", "of another type")
    assert scene.queue.promote_due("w").send() == (1, None)
    assert scene.job("job-2").state == "dead"
    assert scene.decide(job="job-2") == "dead"
    scene.queue.client.rename("kept", "queue:mail")
    scene.decide(job="job-2")
    assert scene.waiting == ["job-1", "job-2"]


def test_an_enqueue_that_failed_at_a_key_of_another_type_can_be_repeated(scene: Scene) -> None:
    scene.queue.client.set("queue:mail", "of another type")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        scene.put(1, 2)
    scene.queue.client.delete("queue:mail")
    scene.put(1, 2)
    assert scene.count == {"enqueued": 2, "queued": 2}


@pytest.mark.parametrize("how", [Disposition.REQUEUE, Disposition.REQUEUE_LAST, Disposition.LOST])
def test_a_requeue_that_failed_can_be_repeated(scene: Scene, how: Disposition) -> None:
    scene.put(1)
    claim = scene.claim()
    scene.queue.client.set("queue:mail", "of another type")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        scene.queue.finish(claim, how)
    scene.queue.pause_queue("mail", False)
    scene.queue.client.delete("queue:mail")
    assert scene.queue.finish(claim, how).in_time
    assert scene.waiting == ["job-1"]


def test_a_repeated_message_is_found_among_many_jobs_with_its_id(scene: Scene) -> None:
    for number in range(120):
        scene.publish("same", tag=f"{number}", delivery_tag="a header")
    scene.queue.client.delete("job:same#2")  # the oldest ended jobs are forgotten
    for _ in range(2):
        scene.publish("same", tag="repeated", delivery_tag="a header")
    assert scene.queue.snapshot().count["enqueued"] == 121


@pytest.mark.parametrize("kind", [Kind.JOB, Kind.ONCE])
def test_a_job_may_have_an_id_that_begins_like_a_message_s(scene: Scene, kind: Kind) -> None:
    text = json.dumps({"headers": {"id": "~x", "task": "t"}, "properties": {}, "body": ""})
    scene.queue.publish(text, "~x", "mail", kind=kind)
    assert scene.count == {"enqueued": 1, "queued": 1}
    scene.claim("w0")
    scene.lose("w0")
    scene.die_with_a_job("w1", "w2", "w3")
    assert scene.count == {"enqueued": 1, "retrying": 1}, "it was put aside"


def test_a_worker_of_the_most_queues_can_claim_and_end_a_job(scene: Scene) -> None:
    lists = lists_of("mail", *(f"q{number}" for number in range(1, MAX_QUEUES)))
    scene.put(1, 2)
    scene.start("w")
    [claimed] = scene.queue.claim("w", lists)
    assert scene.queue.finish(claimed.claim, Disposition.DONE, next_for=("w", lists)).following


@pytest.mark.parametrize("name", ["orders:3", "orders:high", "orders:low", "orders:6", "orders:-"])
def test_a_queue_name_may_end_like_a_list_name(name: str) -> None:
    mine, orders = set(lists_of(name)), set(lists_of("orders"))
    assert mine.isdisjoint(orders)
    assert mine.isdisjoint(lists_of(f"{name}:-"))
    assert len(mine) == 5
    assert {queue_of(list_name) for list_name in mine} == {name}
    assert {list_of(name, priority) for priority in range(10)} < mine


@pytest.mark.parametrize("name", ["mail", "orders:3", "orders:high", "orders:-"])
def test_a_paused_queue_of_any_name_is_shown_as_paused(scene: Scene, name: str) -> None:
    scene.put(1, queue=name)
    scene.put(2, queue="other")
    for paused in (True, False):
        scene.queue.pause_queue(name, paused)
        shown = {queue.name: queue.paused for queue in scene.queue.snapshot().queues()}
        assert shown == {name: paused, "other": False}


def test_a_message_that_names_a_wrong_list_breaks_no_page(scene: Scene) -> None:
    info = {"routing_key": "a", "list": "a:-"}
    text = json.dumps({"headers": {}, "properties": {"delivery_info": info}, "body": ""})
    scene.queue.publish(text, "x", "mail", kind=Kind.JOB, due=time.time() + HOUR)
    scene.decide("retry", "x")
    scene.put(1, queue="a")
    assert scene.queue.snapshot(limit=9).next_to_run == ["job-1", "x"]
    assert [job.id for job in page(scene.queue, State.QUEUED).jobs] == ["job-1", "x"]


@pytest.mark.parametrize("how", [Disposition.DONE, Disposition.DISCARD, Disposition.DEAD])
def test_an_ended_job_has_no_arguments(scene: Scene, how: Disposition) -> None:
    """Arguments may be secret. A dead job keeps its arguments for a retry."""
    secret = {"task": '", "task": "x', "headers": 1, "text": 'a "secret" \\'}
    scene.put(1, task="tests.nothing", priority=1, enqueued_at=1e9 + 0.25, arguments=secret)
    before = scene.job()
    scene.queue.finish(scene.claim(), how, detail='{"reason": "because"}')
    after, record = scene.job(), str(scene.queue.client.lrange("job:job-1", 0, -1))
    for name in ("id", "task", "queue", "priority", "enqueued"):
        assert getattr(after, name) == getattr(before, name)
    assert after.timeline[-1].notes == {"reason": "because"}
    assert after.arguments == (secret if how is Disposition.DEAD else None)
    assert ("secret" in record) is (how is Disposition.DEAD)
    if how is Disposition.DEAD:
        scene.decide("discard")
        assert scene.job().arguments is None


def test_a_header_does_not_change_the_queue_of_an_ended_job(scene: Scene) -> None:
    headers = {"task": "t", "id": "job-1", "list": "vip", "priority": 9, "routing_key": "vip"}
    properties = {"delivery_info": {"routing_key": "mail", "list": "mail"}, "priority": 3}
    text = json.dumps({"headers": headers, "properties": properties})
    scene.queue.publish(text, "job-1", "mail", kind=Kind.JOB)
    scene.queue.finish(scene.claim(), Disposition.DONE)
    assert (scene.job().queue, scene.job().priority) == ("mail", 3)


def test_only_the_last_failure_keeps_its_whole_traceback(scene: Scene) -> None:
    scene.put(1)
    for number in range(30):
        text = "Traceback\n" + "  a line\n" * 1000 + f"ValueError: try {number}\n"
        detail = json.dumps({"error": "builtins.ValueError", "traceback": text})
        scene.queue.finish(scene.claim(), Disposition.RETRY, detail, after=-1.0)
        scene.queue.promote_due("w").send()
    scene.queue.finish(scene.claim(), Disposition.DONE, json.dumps({"value": "é" * 100_000}))
    assert scene.job().return_value == "é" * 100_000
    *before, last = [event.traceback for event in scene.job().timeline if event.error_class]
    assert before == [f"ValueError: try {number}" for number in range(29)]
    assert last == text
    details = [event.detail for event in all_events(scene.queue.client)]
    assert max(map(len, details)) <= 200
    assert not any("\x1a" in detail for detail in details), "a letter is cut in two"
    assert any("ValueError: try 29" in detail for detail in details)


def test_a_purge_discards_delayed_jobs_too(scene: Scene) -> None:
    later = time.time() + 600
    scene.put(1)
    scene.put(2, due=later)
    scene.fail(after=600.0)
    scene.put(3)
    scene.put(4, due=later, queue="other")
    scene.queue.client.zadd("scheduled", {"no record": later})
    assert scene.queue.purge(LISTS, by="purge") == 1
    assert scene.queue.purge_due_later(LISTS, by="purge") == 2
    scene.queue.client.zrem("scheduled", "no record")
    assert scene.count == {"enqueued": 4, "scheduled": 1, "discarded": 3}
    assert scene.job("job-4").state == "scheduled"


def test_a_queue_key_of_another_type_blocks_no_other_queue(scene: Scene) -> None:
    queue, lists = scene.queue, ["urgent", *LISTS]
    queue.client.set("queue:urgent", "of another type")
    scene.put(1)
    for worker in ("w0", "w1"):
        scene.start(worker)
        assert [one.claim.id for one in queue.claim(worker, lists)] == ["job-1"]
        assert queue.claim(worker, lists) == []
        scene.lose(worker)
    scene.start("w")
    queue.pause("w", True)
    assert queue.claim("w", lists) == []
    queue.pause("w", False)
    [suspect] = queue.claim("w", lists)
    assert queue.held_by("w", lists).send() == [suspect.claim]


def test_a_key_of_another_type_blocks_no_rescue_and_loses_no_job(scene: Scene) -> None:
    client = scene.queue.client
    for number, queue in enumerate(("a", "b", "c"), 1):
        scene.put(number, queue=queue)
    scene.start("w")
    assert len(scene.queue.claim("w", ["a", "b", "c"], 3)) == 3
    client.rename("claims:a:w", "claims kept")
    client.set("claims:a:w", "of another type")
    client.set("queue:b", "of another type")
    assert scene.lose("w") == ["job-3"]
    client.delete("queue:b")
    assert rescue_now(scene.queue, "other", LEASE, 3) == ["job-2"]
    assert not client.sismember("workers", "w")

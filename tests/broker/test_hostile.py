"""Tests of unreadable or malformed messages: each reaches a final state, and the next job runs."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from functools import reduce
from operator import getitem
from typing import Any

import pytest
from celery_suite.hostile import HOSTILE, HostileMessages, valid_message
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from support import most_nightly

from demo_app.broker.inspect import get_jobs
from demo_app.broker.queue import Kind, Queue

#: Any JSON value, sometimes a text that Celery writes.
_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["json", "shop.pack", "2026-01-01T00:00:00", "utf-8", "base64"]),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=5), one, max_size=3),
    max_leaves=6,
)  # fmt: skip
#: Paths of the replaceable values of a message. The body is a list: its parts have the
#: numbers 0 (positional arguments), 1 (keyword arguments) and 2 (other data of Celery).
_places = st.sampled_from(
    [(part,) for part in valid_message()]
    + [("headers", name) for name in [*valid_message()["headers"], "stamped_headers", "group_index",
       "ignore_result", "replaced_task_nesting", "compression", "origin", "groups", "meth"]]
    + [("properties", name) for name in valid_message()["properties"]]
    + [("properties", "delivery_info", name) for name in ("exchange", "routing_key", "redelivered")]
    + [("body", number) for number in range(3)]
    + [("body", 2, name) for name in ("callbacks", "errbacks", "chain", "chord")]
)  # fmt: skip


@pytest.fixture(scope="module", params=most_nightly(["prefork", "threads", "solo"], "prefork"))
def hostile(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[HostileMessages]:
    found = HostileMessages(tmp_path_factory.mktemp("hostile") / "shop", request.param)
    yield found
    found.shop.close()


def _altered(changes: dict[tuple[Any, ...], Any]) -> str:
    """Return a valid message with these values replaced, if their paths still exist."""
    message = valid_message()
    message["body"] = json.loads(message["body"])
    for path, value in changes.items():
        with suppress(TypeError, LookupError):
            place = reduce(getitem, path[:-1], message)
            place[path[-1]] = value
    if isinstance(message["body"], list):
        message["body"] = json.dumps(message["body"])
    return json.dumps(message)


def _holds(hostile: HostileMessages, texts: list[str]) -> None:
    found = hostile.publish_all(texts)
    assert all(state in ("done", "dead", "discarded") for state in found), found
    assert hostile.worker.poll() is None, "the worker has ended"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_message_ends_and_the_next_job_runs(hostile: HostileMessages, name: str) -> None:
    _holds(hostile, [HOSTILE[name](valid_message())])


def test_a_job_that_cannot_run_is_dead_with_its_reason(hostile: HostileMessages) -> None:
    for name in ["nested 100,000 deep", "a task that nobody knows", "stamped_headers: a number"]:
        job = hostile.put(HOSTILE[name](valid_message()))
        hostile.shop.until(lambda job=job: hostile.state(job) == "dead", name)
        assert "Error: " in hostile.reason(job)


def test_a_message_that_is_not_utf_8_is_dead_and_the_next_job_runs(
    hostile: HostileMessages,
) -> None:
    for name in ("shop.pack", "delivery_mode"):
        job = hostile.put(json.dumps(valid_message()).encode().replace(name.encode(), b"shop.\xff"))
        hostile.shop.redis.lpush("queue:celery", b"\xff\xfe")  # the id of a job that does not exist
        _holds(hostile, [])
        hostile.shop.until(lambda job=job: hostile.state(job) == "dead", "its end")
        assert "no message: " in hostile.reason(job)


def test_a_job_whose_id_is_not_utf_8_is_done(hostile: HostileMessages) -> None:
    job = str(uuid.uuid4()).encode() + b"\xff"
    hostile.shop.redis.rpush(b"job:" + job, json.dumps(valid_message(job.decode(errors="replace"))))
    hostile.shop.redis.lpush("queue:celery", job)
    _holds(hostile, [])
    hostile.shop.until(lambda: hostile.shop.redis.zscore("done", job), "its end")
    hostile.shop.until(lambda: hostile.shop.in_hand() == 0, "that nobody holds it")


def test_an_unreadable_delayed_job_is_dead_and_kept(store: Queue) -> None:
    text = HOSTILE["a header nested 100,000 deep"](valid_message())
    store.publish(text, "x", "celery", kind=Kind.JOB, due=time.time() + 600)
    for _ in range(2):
        store.decide("x", "retry", by="the test, which does not wait for it")
        [job] = get_jobs(store, ["x"])
        assert job.state == "dead"
        assert job.timeline[-1].notes["text"] == "no queue can be read in its message"
    seen = store.snapshot().count
    assert seen["enqueued"] == seen["dead"] == 1


_changes = st.dictionaries(_places, _anything, min_size=1, max_size=3)


@pytest.mark.nightly
# only generate: to shrink a message on which the worker hangs would take hours
@settings(max_examples=25, phases=[Phase.generate])
@given(messages=st.lists(_changes, min_size=5, max_size=20))
def test_no_message_at_all_stops_the_queue_or_the_worker(
    hostile: HostileMessages, messages: list[dict[tuple[Any, ...], Any]]
) -> None:
    _holds(hostile, [_altered(changes) for changes in messages])

"""Tests that a message follows Celery's documented protocol, and parses to the same message."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import message

from demo_app.broker.keys import list_of, lists_of, queue_of
from demo_app.broker.message import Message, compose, next_try, parse

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    arguments=st.dictionaries(st.text(min_size=1), _json, max_size=4),
    priority=st.integers(-100, 100),
    retries=st.integers(0, 50),
)
def test_what_was_composed_is_parsed_to_the_same(
    arguments: dict[str, object], priority: int, retries: int
) -> None:
    sent = Message("an-id", "a.task", arguments, "mail", priority, retries, 1.5)
    assert parse(compose(sent)) == sent


def test_the_age_of_a_job_from_another_producer_counts_from_its_first_failure() -> None:
    raw = json.loads(compose(message()))
    del raw["headers"]["enqueued_at"]
    before = time.time()
    first = parse(next_try(json.dumps(raw)))
    assert first.enqueued_at >= before
    again = parse(next_try(next_try(json.dumps(raw))))
    assert (again.retries, first.retries) == (2, 1)


def test_the_message_has_what_celerys_protocol_2_asks_for() -> None:
    raw = json.loads(compose(Message("an-id", "a.task", {"n": 1}, "mail")))
    assert raw["headers"]["task"] == "a.task"
    assert raw["headers"]["id"] == raw["properties"]["correlation_id"] == "an-id"
    args, kwargs, embed = json.loads(raw["body"])
    assert (args, kwargs) == ([], {"n": 1})
    assert set(embed) == {"callbacks", "errbacks", "chain", "chord"}


@pytest.mark.parametrize("text", ["{}", '{"headers": {}}', "nonsense", "[]"])
def test_what_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


@pytest.mark.parametrize(
    ("priority", "list_name"), [(3, "mail:high"), (0, "mail"), (-1, "mail:low")]
)
def test_a_priority_has_its_list(priority: int, list_name: str) -> None:
    assert Message("i", "t", {}, "mail", priority).list_name == list_name
    assert list_name in lists_of("mail")
    assert queue_of(list_name) == "mail"


def test_each_step_of_celerys_priorities_has_its_own_list() -> None:
    """Kombu's Redis transport has lists for 0, 3, 6 and 9, and rounds other priorities down."""
    lists = {"mail": (-1, 0, 1, 2), "mail:3": (3, 4, 5), "mail:6": (6, 7, 8), "mail:low": (9, 10)}
    for list_name, priorities in lists.items():
        assert {list_of("mail", priority) for priority in priorities} == {list_name}
    assert [list_name for list_name in lists_of("mail") if list_name in lists] == [*lists], (
        "the urgent first"
    )

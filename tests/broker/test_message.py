"""Tests that a message follows Celery's documented protocol, and parses to the same message."""

import json
import time

import pytest
from support import message

from demo_app.broker.keys import list_of, lists_of, queue_of
from demo_app.broker.message import Message, compose, next_try, parse


def test_the_age_of_a_foreign_job_begins_with_its_first_failure() -> None:
    raw = json.loads(compose(message()))
    del raw["headers"]["enqueued_at"]
    before = time.time()
    first = parse(next_try(json.dumps(raw)))
    assert first.enqueued_at >= before
    assert (parse(next_try(next_try(json.dumps(raw)))).retries, first.retries) == (2, 1)


def test_a_message_follows_celery_s_protocol_2_and_is_parsed_to_the_same() -> None:
    sent = Message("an-id", "a.task", {"n": 1}, "mail", -100, 50, 1.5)
    assert parse(compose(sent)) == sent
    raw = json.loads(compose(sent))
    assert raw["headers"]["task"] == "a.task"
    assert raw["headers"]["id"] == raw["properties"]["correlation_id"] == "an-id"
    args, kwargs, embed = json.loads(raw["body"])
    assert (args, kwargs) == ([], {"n": 1})
    assert set(embed) == {"callbacks", "errbacks", "chain", "chord"}


@pytest.mark.parametrize("text", ["{}", '{"headers": {}}', "nonsense", "[]"])
def test_a_malformed_message_is_refused(text: str) -> None:
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
    in_order = [list_name for list_name in lists_of("mail") if list_name in lists]
    assert in_order == [*lists], "the urgent first"

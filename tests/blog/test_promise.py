"""Tests that every accepted comment gets its mail, although jobs are lost or a server is down."""

from collections.abc import Callable

import pytest
from support import client_of

from demo_app.broker import journal
from demo_app.stack import Stack
from demo_app.stack.client import Client

#: Each mail takes 2 seconds, so that jobs are running when the fault occurs.
SLOW = {"at": "reply", "do": "wait", "seconds": 2}
COMMENTS = 12
STACK = {"persistence": False}


def _comment_during(fault: Callable[[], object], client: Client) -> None:
    before = client.mail_stats()["distinct"]
    client.set_faults(SLOW)
    for _ in range(COMMENTS):
        client.comment()
    client.wait_for(lambda now: now["running"] > 0)
    fault()
    client.set_faults()
    assert client.wait_for_mails(before + COMMENTS)["distinct"] == before + COMMENTS


@pytest.mark.thorough
def test_jobs_that_the_memory_backend_loses_are_handed_over_again() -> None:
    with Stack(backend="memory") as stack, Client(stack.ready) as client:
        _comment_during(lambda: stack.kill("web"), client)


def test_a_redis_with_older_data_loses_nothing(stack: Stack, client: Client) -> None:
    before = client.mail_stats()["distinct"]
    client.comment()
    client.wait_for_mails(before + 1)
    client_of(stack.ready["redis"]).save()  # a snapshot, which Redis loads at its next start
    _comment_during(lambda: stack.kill("redis"), client)


def test_the_first_mail_after_an_outage_wakes_the_others(stack: Stack, client: Client) -> None:
    before = client.mail_stats()["distinct"]
    stack.kill("smtp", restart=False)
    for _ in range(6):
        client.comment()
    # may be more than 6: the relay enqueues jobs again that Redis lost in an earlier test
    client.wait_for(lambda now: now["retrying"] >= 6 and not now["queued"] + now["running"])
    redis = client_of(stack.ready["redis"])
    assert redis.zcard("waits:demo_app.tasks.notify_author") >= 6
    # one job waits an hour longer than the others
    redis.zincrby("retrying", 3600.0, redis.zrange("retrying", -1, -1)[0])
    stack.start("smtp")
    client.wait_for_mails(before + 6)
    assert "what it needs is there" in {entry.detail for entry in journal.all_events(redis)}

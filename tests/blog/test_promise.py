"""Every accepted comment has its mail, whatever the default backend's queue forgets."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support import client_of

from demo_app.stack import Stack
from demo_app.stack.client import Client

#: Seconds that a mail takes while something goes wrong.
SLOW = {"at": "reply", "do": "wait", "seconds": 2}
COMMENTS = 12


Fault = Callable[[Stack], object]


def _comments_in_the_middle_of_which(fault: Fault, stack: Stack, client: Client) -> None:
    client.set_faults(SLOW)
    for _ in range(COMMENTS):
        client.comment()
    client.wait_for(lambda now: now["running"] > 0)
    fault(stack)
    client.set_faults()
    client.wait_for_mails(COMMENTS)


def _wipe_redis(stack: Stack) -> None:
    client_of(stack.ready["redis"]).flushall()


def test_what_the_queue_loses_in_the_middle_is_handed_over_again() -> None:
    with Stack() as stack, Client(stack.ready) as client:
        _comments_in_the_middle_of_which(_wipe_redis, stack, client)
        assert client.mail_stats()["distinct"] == COMMENTS


@pytest.mark.thorough
def test_what_the_web_app_of_the_memory_backend_loses_is_handed_over_again() -> None:
    with Stack(backend="memory") as stack, Client(stack.ready) as client:
        _comments_in_the_middle_of_which(lambda _: stack.kill("web"), stack, client)
        assert client.mail_stats()["distinct"] == COMMENTS


@pytest.mark.thorough
def test_a_redis_that_comes_back_with_the_data_of_a_while_ago_loses_nothing() -> None:
    with Stack(persistence=False) as stack, Client(stack.ready) as client:
        client.comment()
        client.wait_for_mails(1)
        client_of(stack.ready["redis"]).save()  # a snapshot, which is loaded at the next start
        _comments_in_the_middle_of_which(lambda _: stack.kill("redis"), stack, client)
        client.wait_for_mails(COMMENTS + 1)

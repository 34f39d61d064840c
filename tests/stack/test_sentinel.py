"""Tests of sentinel:// URLs, and of late replies of a Redis server that Sentinel monitors."""

import signal
from pathlib import Path

import pytest
import redis
from servers import sentinel, server
from support import message

from demo_app.broker.connection import SentinelGroup, client_url, connect
from demo_app.broker.queue import Queue
from demo_app.stack import Stack, StackError


def test_an_answer_that_came_too_late_is_not_taken_for_the_next_one(tmp_path: Path) -> None:
    with server() as primary, sentinel(primary.port, 600_000) as watching:
        queue = Queue(connect(f"sentinel://127.0.0.1:{watching.port}/books", timeout=3.0))
        assert queue.enqueue(message(1))
        primary.process.send_signal(signal.SIGSTOP)
        with pytest.raises(redis.TimeoutError):
            queue.enqueue(message(2))
        primary.process.send_signal(signal.SIGCONT)
        assert not queue.enqueue(message(2)), "Redis has known it since it woke up"


def test_an_address_of_sentinel_names_who_watches_and_whom() -> None:
    watched = SentinelGroup.parse("sentinel://me:p%40ss@one:1;two/books/3")
    assert watched == SentinelGroup((("one", 1), ("two", 26379)), "books", 3, "me", "p@ss")
    assert SentinelGroup.parse("redis://one:1/3") is None
    with pytest.raises(ValueError, match="needs hosts, a name"):
        SentinelGroup.parse("sentinel://one:1")


@pytest.mark.parametrize("options", [{"backend": "rq"}, {"transport": "stock"}])
def test_a_backend_without_sentinel_refuses_its_url(options: dict[str, str]) -> None:
    with pytest.raises(StackError, match="Only the backend celery"):
        Stack(redis_url="sentinel://one:1/books", **options)
    with pytest.raises(ValueError, match="Only the backend celery"):
        client_url("sentinel://one:1/books")

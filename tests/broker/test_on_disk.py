"""Redis has a job for good only when it is in its log."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import pytest
import redis
from support import client_of, message, until

from demo_app.broker.durability import unpersisted
from demo_app.broker.queue import Queue
from demo_app.stack import redis_server
from demo_app.stack.options import Options


def test_what_redis_knows_is_told_from_what_it_does_not(store: Queue) -> None:
    store.enqueue(message(1))
    assert unpersisted(store.client, ["job:job-1", "job:nobody"]) == {"job:nobody"}


@pytest.mark.parametrize("options", [{"persistence": False}, {"appendfsync": "no"}])
def test_a_redis_that_promises_nothing_is_not_waited_for(tmp_path: Path, options: dict) -> None:
    server, url = redis_server.start(tmp_path, Options(**options))
    try:
        assert unpersisted(client_of(url), ["job:nobody"]) == {"job:nobody"}
    finally:
        server.kill()
        server.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="a quota stands for a full disk")
def test_while_redis_cannot_write_its_log_nothing_is_safe(tmp_path: Path) -> None:
    server, url = redis_server.start(tmp_path, restore_signals=False)
    try:
        client = client_of(url)
        Queue(client).enqueue(message(1))
        assert unpersisted(client, ["job:job-1"]) == set()
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        with pytest.raises(redis.RedisError):
            unpersisted(client, ["job:job-1"])
        most = resource.RLIM_INFINITY
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (most, most))
        until(lambda: _answers(client), what="Redis writing again")
    finally:
        server.kill()
        server.wait()


def _answers(client: redis.Redis) -> bool:
    try:
        return unpersisted(client, ["job:job-1"]) == set()
    except redis.RedisError:
        return False

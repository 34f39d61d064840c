"""The server of a trial keeps what it answered, and is searched for jobs."""

from __future__ import annotations

from pathlib import Path

import redis

from demo_app.judge.leash import Leash
from demo_app.judge.server import RedisServer


def test_what_the_server_answered_is_there_after_its_kill(tmp_path: Path) -> None:
    leash = Leash()
    server = RedisServer(tmp_path, leash)
    server.start()
    with redis.Redis(unix_socket_path=server.path, decode_responses=True) as client:
        # everysec may answer before it has written, while the disk is busy
        assert client.config_get("appendfsync") == {"appendfsync": "always"}
        client.lpush("queue", "q12z")
    server.kill()
    server.start()
    assert server.where("q12z") == ["queue"]
    assert server.where("q1z") == []
    assert server.where("") == [], "an empty text is not in every other one"
    with redis.Redis(unix_socket_path=server.path) as client:
        client.lpush("queue", "", "")
        client.set("one", '{"job": ""}')
    assert server.where("") == ["one", "queue", "queue"]
    server.kill()
    assert server.where("q12z") == ["? (the server is down)"]
    leash.end()

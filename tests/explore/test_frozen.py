"""Time in the explored server passes only when the exploration moves it."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from explore.frozen import FrozenRedis


def test_an_expiry_is_as_in_redis_and_stands_still_with_the_clock(tmp_path: Path) -> None:
    with FrozenRedis() as server:
        ask = server.command
        ask("SET", "lease", "w1", "EX", 5)
        server.now += 2
        assert (ask("SET", "lease", "w2", "KEEPTTL"), ask("TTL", "lease")) == ("OK", 3)
        assert server.client.pttl("lease") == -1, "in the server itself it would go on"
        with pytest.raises(redis.ResponseError):
            ask("GETEX", "lease", "EX", "soon")
        assert server.client.pttl("lease") == -1
        ask("PEXPIRE", "lease", 1500)
        ask("PSETEX", "other", 1000, "x")
        assert ask("PERSIST", "other") == 1
        server.now += 1.5
        assert [ask("EXISTS", name) for name in ("lease", "other")] == [0, 1]
        ask("EXPIRE", "other", 9)
        ask("SET", "other", "y")
        assert ask("TTL", "other") == -1
        assert server.script("return redis.pcall('GET', 'lease')", []) is None

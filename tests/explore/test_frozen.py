"""Tests that time in the explored server passes only if the exploration sets it."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from explore.frozen import FrozenRedis


def test_an_expiry_is_as_in_redis_and_stands_still_with_the_clock(tmp_path: Path) -> None:
    with FrozenRedis() as server:
        server.reads_all = False
        run = server.command
        run("SET", "lease", "w1", "EX", 5)
        server.now += 2
        assert (run("SET", "lease", "w2", "KEEPTTL"), run("TTL", "lease")) == ("OK", 3)
        assert server.client.pttl("lease") == -1, "in the server itself it would go on"
        with pytest.raises(redis.ResponseError):
            run("GETEX", "lease", "EX", "soon")
        assert server.client.pttl("lease") == -1
        run("PEXPIRE", "lease", 1500)
        run("PSETEX", "other", 1000, "x")
        assert run("PERSIST", "other") == 1
        server.now += 1.5
        assert [run("EXISTS", name) for name in ("lease", "other")] == [0, 1]
        run("EXPIRE", "other", 9)
        run("SET", "other", "y")
        assert run("TTL", "other") == -1
        assert server.script("return redis.pcall('GET', 'lease')", []) is None

"""Waiting until Redis would still have a key if it were killed now.

With ``appendfsync everysec`` Redis answers before it has written: while one fsync is under way, the
next write waits for it, up to two seconds, and a SIGKILL takes what was answered meanwhile.
WAITAOF tells when it is written. (Redis 7.2 and 7.4 and Valkey 9 take a write for enough, which
outlives a SIGKILL; Redis 8 waits for the fsync, which outlives a power failure as well, see
https://github.com/redis/redis/pull/13793.)
"""

from __future__ import annotations

from collections.abc import Sequence

import redis

#: Milliseconds for which one question waits; less than what a connection allows an answer.
_PATIENCE = 2_000


def unpersisted(client: redis.Redis, keys: Sequence[str]) -> set[str]:
    """Wait until all that Redis has by now is written; returns the keys that it does not have.

    Returns at once where there is no append-only file, or a server from before WAITAOF (7.2).
    Raises redis.RedisError when that can't be had.
    """
    # all on one connection: the answers are those of one server, which has not been killed between
    pipe = client.pipeline(transaction=False)
    for key in keys:
        pipe.exists(key)
    pipe.incr("outbox:confirmed")  # WAITAOF waits for what its own connection has written
    pipe.waitaof(1, 0, _PATIENCE)
    *answers, written = pipe.execute(raise_on_error=False)
    failed = [answer for answer in answers if isinstance(answer, Exception)]
    if failed:
        raise failed[0]
    if isinstance(written, redis.ResponseError):  # there is no such file, or no such command
        written = [1]
    if isinstance(written, Exception):
        raise written
    if written[0] == 0 and _is_asked_to_write(client):
        raise redis.TimeoutError("Redis can't write its append-only file")
    known = answers[:-1]
    return {key for key, there in zip(keys, known, strict=True) if not there}


def _is_asked_to_write(client: redis.Redis) -> bool:
    """Whether the server ever syncs its log by itself; with ``appendfsync no`` it never does."""
    try:
        return client.config_get("appendfsync").get("appendfsync") != "no"
    except redis.ResponseError:  # a server that somebody else looks after
        return False

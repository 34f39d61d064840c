"""Connections to Redis, from the URL that every part of the stack shares."""

from __future__ import annotations

from typing import Any

import redis

#: A client whose answers are text. redis-py types every answer as text, bytes or awaitable; ours,
#: made by `connect`, give text, and the code that reads them should not have to say so each time.
Decoded = Any


def client_url(url: str) -> str:
    """The URL as redis-py spells it: ``unix://…?db=1``.

    Celery spells it ``redis+socket://…?virtual_host=1``.
    """
    return url.replace("redis+socket://", "unix://", 1).replace("?virtual_host=", "?db=", 1)


def connect(url: str, *, timeout: float | None = 5.0) -> redis.Redis:
    """A client for the server at the URL; it connects at its first command.

    timeout: seconds that one command may take; None waits for ever.
    """
    return redis.Redis.from_url(
        client_url(url),
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        decode_responses=True,
    )

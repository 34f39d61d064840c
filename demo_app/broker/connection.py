"""Connections to Redis, from the URL that every part of the stack shares."""

from __future__ import annotations

from typing import Any

import redis.asyncio
from redis import sentinel

from demo_app.broker.address import Watched

#: A client whose answers are text. redis-py types every answer as text, bytes or awaitable; ours,
#: made by `connect`, give text, and the code that reads them should not have to say so each time.
Decoded = Any


#: Schemes that redis-py spells in another way.
_SPELT = {"redis+socket": "unix", "valkey": "redis", "valkeys": "rediss"}


def client_url(url: str) -> str:
    """The URL as redis-py spells it: ``unix://…?db=1``.

    Celery spells it ``redis+socket://…?virtual_host=1``. Raises ValueError for Sentinel's, which
    names no server.
    """
    if Watched.read(url):
        raise ValueError("only the backend celery, with claims, finds Redis through Sentinel")
    scheme, found, rest = url.partition("://")
    return f"{_SPELT.get(scheme, scheme)}{found}{rest.replace('?virtual_host=', '?db=', 1)}"


def connect(url: str, *, timeout: float | None = 3.0) -> redis.Redis:
    """A client for the server at the URL; it connects at its first command.

    timeout: seconds that one command may take; None waits without end. Raises ValueError for a URL
    that can't be read.
    """
    client: redis.Redis = _client(redis.Redis, sentinel.Sentinel, url, timeout)
    return client


def connect_async(url: str, *, timeout: float | None = 3.0) -> Any:
    """The same, for asyncio."""
    return _client(redis.asyncio.Redis, redis.asyncio.Sentinel, url, timeout)


def _client(client: Any, sentinels: Any, url: str, timeout: float | None) -> Any:
    patience: dict[str, Any] = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
    watched = Watched.read(url)
    if watched is None:
        return client.from_url(client_url(url), decode_responses=True, **patience)
    return sentinels(watched.sentinels, sentinel_kwargs=patience).master_for(
        watched.name,
        db=watched.database,
        username=watched.username,
        password=watched.password,
        decode_responses=True,
        **patience,
    )

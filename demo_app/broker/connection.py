"""Connections to Redis, from the URL that every part of the stack shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import redis.asyncio
from redis import sentinel

#: A client whose answers are text. redis-py types every answer as text, bytes or awaitable; ours,
#: made by `connect`, give text, and the code that reads them should not have to say so each time.
Decoded = Any


@dataclass(frozen=True, slots=True)
class Watched:
    """A Redis whose Sentinels know which of several servers is the primary at this moment.

    sentinels: host and port of each. name: what they call the group of servers.
    """

    sentinels: tuple[tuple[str, int], ...]
    name: str
    database: int
    username: str | None
    password: str | None

    @classmethod
    def read(cls, url: str) -> Watched | None:
        """What ``sentinel://[[user]:password@]host:port;host2:port/name[/database]`` says.

        None for the URL of a server. Raises ValueError for one that is incomplete.
        """
        scheme, _, rest = url.partition("://")
        if scheme != "sentinel":
            return None
        places, _, path = rest.partition("/")
        login, _, hosts = places.rpartition("@")
        user, _, password = login.partition(":")
        name, _, database = path.partition("/")
        found = [host.partition(":") for host in hosts.split(";")]
        if not (name and all(host for host, _, _ in found)):
            raise ValueError("sentinel://host:26379;host2:26379/name says who watches, and whom")
        return cls(
            tuple((host, int(port or 26379)) for host, _, port in found),
            name,
            int(database or 0),
            unquote(user) or None,
            unquote(password) or None,
        )


def client_url(url: str) -> str:
    """The URL as redis-py spells it: ``unix://…?db=1``.

    Celery spells it ``redis+socket://…?virtual_host=1``. Raises ValueError for Sentinel's, which
    names no server.
    """
    if Watched.read(url):
        raise ValueError("only the backend celery, with claims, finds Redis through Sentinel")
    return url.replace("redis+socket://", "unix://", 1).replace("?virtual_host=", "?db=", 1)


def connect(url: str, *, timeout: float | None = 5.0) -> redis.Redis:
    """A client for the server at the URL; it connects at its first command.

    timeout: seconds that one command may take; None waits for ever. Raises ValueError for a URL
    that can't be read.
    """
    client: redis.Redis = _client(redis.Redis, sentinel.Sentinel, url, timeout)
    return client


def connect_async(url: str, *, timeout: float | None = 5.0) -> Any:
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

"""Connections to Redis, from the URL that the parts of the stack share, or that of a Celery app."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import redis.asyncio
from redis import sentinel
from redis.connection import parse_url

#: A client whose answers are text. redis-py types every answer as text, bytes or awaitable; ours,
#: made by `connect`, give text, and the code that reads them should not have to say so each time.
Decoded = Any
#: How answers become text. What is no UTF-8 becomes a sign that no JSON has: it can be shown, and
#: is no message.
AS_TEXT = {"decode_responses": True, "encoding_errors": "substitute"}
codecs.register_error("substitute", lambda error: ("\x1a", error.end))  # type: ignore[attr-defined]

_OF_A_REPLICA = (redis.ReadOnlyError, redis.exceptions.MasterDownError)


class _ToThePrimary:
    """A connection to a server that may write.

    One that has become a replica is as good as gone: its address may lead to another one by now.
    """

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        """The next answer; raises redis.ConnectionError when the server is a replica.

        It refuses to write, or to read what may be old ("MASTERDOWN"), and who waits in it while it
        becomes one is sent away ("UNBLOCKED").
        """
        try:
            return super().read_response(*args, **kwargs)  # type: ignore[misc]
        except redis.ResponseError as error:
            if not (isinstance(error, _OF_A_REPLICA) or f"{error}".startswith("UNBLOCKED")):
                raise
            self.disconnect()  # type: ignore[attr-defined]
            raise redis.ConnectionError(f"it is a replica by now: {error}") from error

    def check_health(self) -> None:
        """Send a PING, if it is time; a server whose disk is broken refuses it, and is there."""
        try:
            super().check_health()  # type: ignore[misc]
        except redis.ResponseError as error:
            if not f"{error}".startswith("MISCONF"):
                raise


class _Tcp(_ToThePrimary, redis.Connection): ...


class _Tls(_ToThePrimary, redis.SSLConnection): ...


class _Unix(_ToThePrimary, redis.UnixDomainSocketConnection): ...


class _BySentinel(_ToThePrimary, sentinel.SentinelManagedConnection): ...


class _TlsBySentinel(_ToThePrimary, sentinel.SentinelManagedConnection, redis.SSLConnection): ...


#: The schemes behind ``claims+``, with the class of their connections.
CONNECTIONS: dict[str, type[Any]] = {
    **dict.fromkeys(("redis", "valkey"), _Tcp),
    **dict.fromkeys(("rediss", "valkeys"), _Tls),
    **dict.fromkeys(("unix", "socket"), _Unix),
    "sentinel": _BySentinel,
}
#: With Celery's `broker_use_ssl`, which needs no other scheme.
WITH_TLS: dict[str, type[Any]] = {"redis": _Tls, "sentinel": _TlsBySentinel}
#: Schemes that redis-py spells in another way.
_SPELT = {
    "redis+socket": "unix",
    "socket": "unix",
    "valkey": "redis",
    "valkeys": "rediss",
    "sentinel": "redis",  # what is behind it is read in the same way
}
#: What the options begin with that a connection over a unix socket does not take.
_TCP_ONLY = ("host", "port", "socket_connect_timeout", "socket_keepalive")


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


def scheme_of(url: str | None) -> str:
    """The scheme of a URL behind ``claims+``; "" for a bare host name.

    Raises ValueError for one that no connection is known for.
    """
    scheme, found, _ = (url or "").partition("://")
    if found and scheme not in CONNECTIONS:
        known = ", ".join(f"claims+{name}://" for name in CONNECTIONS)
        raise ValueError(f"claims+{scheme}:// leads nowhere; there are {known}")
    return scheme if found else ""


def connection_options(url: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options of a connection with what the URL says put in.

    url: ``redis://[[user]:password@]host:port/db`` and the like. options: kombu's.
    Raises ValueError for a database that is no number.
    """
    found = parse_url(_as_redis_py_spells(url))  # type: ignore[no-untyped-call]
    found.pop("connection_class", None)  # kombu makes one of its own from it
    if "path" in found:
        kept = {name: value for name, value in options.items() if not name.startswith(_TCP_ONLY)}
        return {**kept, "db": 0, **found}
    database = urlsplit(url).path.strip("/")
    if database and not database.isdigit():
        raise ValueError(f"the database behind the last / is a number, not {database!r}")
    given = {**options, "host": "127.0.0.1", "port": 6379, "db": 0, **found}
    if CONNECTIONS[scheme_of(url)] is _Tls:  # Celery's spelling is known too
        demanded = given.get("ssl_cert_reqs", "required")
        if isinstance(demanded, str):
            given["ssl_cert_reqs"] = demanded.lower().removeprefix("cert_")
    return given


def _as_redis_py_spells(url: str) -> str:
    scheme, found, rest = url.partition("://")
    rest = re.sub(r"(?<=[?&])virtual_host=", "db=", rest)
    return f"{_SPELT.get(scheme, scheme)}{found}{rest}"


def masked(url: str) -> str:
    """The URL, for people to read: without its password."""
    url = re.sub(r"(?<=://)([^/:@]*):.*@", r"\1:***@", url)
    return re.sub(r"(?<=[?&]password=)[^&]*", "***", url)


def client_url(url: str) -> str:
    """The URL as redis-py spells it: ``unix://…?db=1``.

    Celery spells it ``redis+socket://…?virtual_host=1``. Raises ValueError for Sentinel's, which
    names no server.
    """
    if Watched.read(url):
        raise ValueError("only the backend celery, with claims, finds Redis through Sentinel")
    return _as_redis_py_spells(url)


def connect(url: str, *, timeout: float | None = 3.0) -> redis.Redis:
    """A client for the server at the URL; it connects at its first command.

    timeout: seconds that one command may take; None waits without end. Raises ValueError for a URL
    that can't be read.
    """
    client: redis.Redis = _client(redis.Redis, sentinel.Sentinel, url, timeout)
    return client


def connect_async(url: str) -> Any:
    """The same, for asyncio."""
    return _client(redis.asyncio.Redis, redis.asyncio.Sentinel, url, 3.0)


def _client(client: Any, sentinels: Any, url: str, timeout: float | None) -> Any:
    patience: dict[str, Any] = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
    options = {**patience, **AS_TEXT}
    watched = Watched.read(url)
    if watched is None:
        found = client.from_url(client_url(url), **options)
        pool = found.connection_pool
        ours = {one.__mro__[2]: one for one in (_Tcp, _Tls, _Unix)}
        pool.connection_class = ours.get(pool.connection_class, pool.connection_class)
        return found
    return sentinels(watched.sentinels, sentinel_kwargs=patience).master_for(
        watched.name,
        db=watched.database,
        username=watched.username,
        password=watched.password,
        **options,
    )

"""Connections to Redis from a URL."""

import codecs
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import redis.asyncio
from redis import sentinel
from redis.connection import parse_url

#: A client whose replies are text. The alias saves casts: redis-py types them as text or bytes.
Decoded = Any
#: Options for decoding replies. Invalid UTF-8 becomes a control character. Pages can show such a
#: text, but it can't be parsed as a message, since JSON does not allow this character.
AS_TEXT = {"decode_responses": True, "encoding_errors": "substitute"}
codecs.register_error("substitute", lambda error: ("\x1a", error.end))  # type: ignore[attr-defined]

_OF_A_REPLICA = (redis.ReadOnlyError, redis.exceptions.MasterDownError)


class _ToThePrimary:
    """A connection to a primary. A server that has become a replica counts as unavailable."""

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        """Return the next reply.

        Raises:
            redis.ConnectionError: the server is a replica. It has refused a write (READONLY) or a
                read of stale data (MASTERDOWN), or has ended a blocking command (UNBLOCKED).
        """
        try:
            return super().read_response(*args, **kwargs)  # type: ignore[misc]
        except redis.ResponseError as error:
            if not (isinstance(error, _OF_A_REPLICA) or f"{error}".startswith("UNBLOCKED")):
                raise
            self.disconnect()  # type: ignore[attr-defined]
            raise redis.ConnectionError(f"the server is a replica now: {error}") from error

    def check_health(self) -> None:
        """Send a PING if it is due.

        Ignore MISCONF: a server that can't write to its disk refuses the PING, but is alive.
        """
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


#: The class of connections for each scheme after ``claims+``.
CONNECTIONS: dict[str, type[Any]] = {
    **dict.fromkeys(("redis", "valkey"), _Tcp),
    **dict.fromkeys(("rediss", "valkeys"), _Tls),
    **dict.fromkeys(("unix", "socket"), _Unix),
    "sentinel": _BySentinel,
}
#: The classes that replace those in `CONNECTIONS` if the app sets Celery's `broker_use_ssl`.
WITH_TLS: dict[str, type[Any]] = {"redis": _Tls, "sentinel": _TlsBySentinel}
#: Schemes with another spelling in redis-py.
_SPELT = {
    "redis+socket": "unix",
    "socket": "unix",
    "valkey": "redis",
    "valkeys": "rediss",
    "sentinel": "redis",  # redis-py's parser does not know the scheme sentinel
}
_HOST = r"[^:;/@]+(?::\d*)?"
_SENTINEL_URL = re.compile(
    rf"sentinel://(?:([^:/]*):?([^/]*)@)?({_HOST}(?:;{_HOST})*)/([^/]+)/?(\d*)"
)
#: Prefixes of options that a connection over a unix socket does not accept.
_TCP_ONLY = ("host", "port", "socket_connect_timeout", "socket_keepalive")


@dataclass(frozen=True, slots=True)
class SentinelGroup:
    """A group of Redis servers whose Sentinels know the present primary.

    Attributes:
        sentinels: host and port of each.
        name: the group's name in Sentinel.
    """

    sentinels: tuple[tuple[str, int], ...]
    name: str
    database: int
    username: str | None
    password: str | None

    @classmethod
    def parse(cls, url: str) -> "SentinelGroup | None":
        """Parse ``sentinel://[[user]:password@]host:port;host2:port/name[/database]``.

        Returns:
            The group, or None for the URL of one server.

        Raises:
            ValueError: the URL is incomplete, or a port or the database is not a number.
        """
        if not url.startswith("sentinel://"):
            return None
        found = _SENTINEL_URL.fullmatch(url)
        if not found:
            raise ValueError(
                "A Sentinel URL needs hosts, a name, and numbers as ports and database: "
                "sentinel://host:26379;host2/name/0"
            )
        user, password, hosts, name, database = found.groups("")
        places = (host.partition(":") for host in hosts.split(";"))
        sentinels = tuple((host, int(port or 26379)) for host, _, port in places)
        login = (unquote(part) or None for part in (user, password))
        return cls(sentinels, name, int(database or 0), *login)


def scheme_of(url: str | None) -> str:
    """Return the scheme of a URL; "" for a bare host name or None.

    Args:
        url: without ``claims+``, which kombu has removed.

    Raises:
        ValueError: the scheme is unknown.
    """
    scheme, found, _ = (url or "").partition("://")
    if found and scheme not in CONNECTIONS:
        known = ", ".join(f"claims+{name}://" for name in CONNECTIONS)
        raise ValueError(f"The scheme claims+{scheme}:// is unknown. Use one of {known}.")
    return scheme if found else ""


def connection_options(url: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return kombu's options for a connection, with the values that the URL sets.

    Raises:
        ValueError: the database is not a number.
    """
    found = parse_url(_as_redis_py_spells(url))  # type: ignore[no-untyped-call]
    found.pop("connection_class", None)  # kombu chooses the class
    if "path" in found:
        kept = {name: value for name, value in options.items() if not name.startswith(_TCP_ONLY)}
        return {**kept, "db": 0, **found}
    database = urlsplit(url).path.strip("/")
    if database and not database.isdigit():
        raise ValueError(f"The database after the last / must be a number, not {database!r}.")
    given = {**options, "host": "127.0.0.1", "port": 6379, "db": 0, **found}
    if CONNECTIONS[scheme_of(url)] is _Tls:  # accept Celery's CERT_REQUIRED too
        demanded = given.get("ssl_cert_reqs", "required")
        if isinstance(demanded, str):
            given["ssl_cert_reqs"] = demanded.lower().removeprefix("cert_")
    return given


def _as_redis_py_spells(url: str) -> str:
    scheme, found, rest = url.partition("://")
    rest = re.sub(r"(?<=[?&])virtual_host=", "db=", rest)
    return f"{_SPELT.get(scheme, scheme)}{found}{rest}"


def masked(url: str) -> str:
    url = re.sub(r"(?<=://)([^/:@]*):.*@", r"\1:***@", url)
    return re.sub(r"(?<=[?&]password=)[^&]*", "***", url)


def client_url(url: str) -> str:
    """Return the URL in redis-py's spelling.

    For example, Celery's ``redis+socket://…?virtual_host=1`` becomes ``unix://…?db=1``.

    Raises:
        ValueError: the URL is a Sentinel URL, which does not name a server.
    """
    if SentinelGroup.parse(url):
        raise ValueError("Only the backend celery with the claims broker can use Sentinel.")
    return _as_redis_py_spells(url)


def connect(url: str, *, timeout: float | None = 3.0) -> redis.Redis:
    """Return a client for the server at the URL. The client connects at its first command.

    Args:
        url: in the spelling of Celery or redis-py; a Sentinel URL leads to the primary.
        timeout: longest time for one command (seconds); None waits forever.

    Raises:
        ValueError: the URL is malformed.
    """
    client: redis.Redis = _client(redis.Redis, sentinel.Sentinel, url, timeout)
    return client


def connect_async(url: str) -> Any:
    return _client(redis.asyncio.Redis, redis.asyncio.Sentinel, url, 3.0)


def _client(client: Any, sentinels: Any, url: str, timeout: float | None) -> Any:
    patience: dict[str, Any] = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
    # `lua` limits the connections; the pool must not, since it also counts closed connections
    options = {**patience, **AS_TEXT, "max_connections": 2**31}
    watched = SentinelGroup.parse(url)
    if watched is None:
        found = client.from_url(client_url(url), **options)
        pool = found.connection_pool
        ours = {one.__mro__[2]: one for one in (_Tcp, _Tls, _Unix)}
        pool.connection_class = ours.get(pool.connection_class, pool.connection_class)
        return found
    group = sentinels(watched.sentinels, sentinel_kwargs=patience)
    login = {"username": watched.username, "password": watched.password}
    return group.master_for(watched.name, db=watched.database, **login, **options)

"""Where Redis is: what a broker URL says, in the words of redis-py."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import redis

#: The schemes behind ``claims+``, with the class of their connections.
CONNECTIONS: dict[str, type[Any]] = {
    "redis": redis.Connection,
    "valkey": redis.Connection,
    "sentinel": redis.Connection,
    "rediss": redis.SSLConnection,
    "valkeys": redis.SSLConnection,
    "unix": redis.UnixDomainSocketConnection,
    "socket": redis.UnixDomainSocketConnection,
}
#: What a connection over a unix socket does not take.
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
    scheme, parts = scheme_of(url), urlsplit(url)
    query = _query(parts.query)
    found = {**options, **query}
    if parts.username or parts.password:
        found["username"] = unquote(parts.username or "") or None
        found["password"] = unquote(parts.password or "") or None
    if scheme in ("unix", "socket"):
        kept = {name: value for name, value in found.items() if name not in _TCP_ONLY}
        kept.pop("socket_keepalive_options", None)
        return {**kept, "path": unquote(parts.path), "db": query.get("db", 0)}
    database = parts.path.strip("/")
    if database and not database.isdigit():
        raise ValueError(f"the database behind the last / is a number, not {database!r}")
    if scheme in ("rediss", "valkeys"):
        found.setdefault("ssl_cert_reqs", "required")
    host, port = parts.hostname or "127.0.0.1", parts.port or 6379
    return {**found, "host": host, "port": port, "db": int(database or 0)}


def _query(text: str) -> dict[str, Any]:
    """The options behind the question mark; Celery's spelling of ``ssl_cert_reqs`` is known too."""
    found: dict[str, Any] = dict(parse_qsl(text))
    if "virtual_host" in found:
        found["db"] = int(found.pop("virtual_host"))
    if "ssl_cert_reqs" in found:
        found["ssl_cert_reqs"] = found["ssl_cert_reqs"].lower().removeprefix("cert_")
    for name in ("socket_timeout", "socket_connect_timeout"):
        if name in found:
            found[name] = float(found[name])
    return found


def masked(url: str) -> str:
    """The URL, for people to read: without its password."""
    url = re.sub(r"(?<=://)([^/:@]*):.*@", r"\1:***@", url)
    return re.sub(r"(?<=[?&]password=)[^&]*", "***", url)

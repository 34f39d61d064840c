"""Where Redis is: what a broker URL says, in the words of redis-py."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import redis

#: The schemes behind ``claims+``, with the class of their connections.
CONNECTIONS: dict[str, type[Any]] = {
    "redis": redis.Connection,
    "sentinel": redis.Connection,
    "rediss": redis.SSLConnection,
    "unix": redis.UnixDomainSocketConnection,
    "socket": redis.UnixDomainSocketConnection,
}
#: What a connection over a unix socket does not take.
_TCP_ONLY = ("host", "port", "socket_connect_timeout", "socket_keepalive")


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
    if scheme == "rediss":
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

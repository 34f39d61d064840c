"""Information about a Redis server, from its commands INFO and CONFIG."""

from contextlib import suppress
from typing import Any, NamedTuple

import redis

from ..connection import Decoded


class RedisState(NamedTuple):
    """The state of a Redis server.

    Attributes:
        info: the reply of INFO. A field is missing if the server does not have it.
        persistence: "aof", "rdb", "none", or "" if unknown.
        appendfsync: the setting `appendfsync`; "" without an append-only file, or if unknown.
    """

    info: dict[str, Any]
    persistence: str
    appendfsync: str


def redis_state(client: Decoded) -> RedisState:
    info: dict[str, Any] = client.info()
    append_only = bool(info.get("aof_enabled"))
    setting = "appendfsync" if append_only else "save"
    value = None
    with suppress(redis.ResponseError):  # a managed Redis refuses CONFIG
        value = client.config_get(setting).get(setting, "")
    if append_only:
        return RedisState(info, "aof", value or "")
    return RedisState(info, {None: "", "": "none"}.get(value, "rdb"), "")

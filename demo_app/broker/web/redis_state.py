"""Information about a Redis server, from its commands INFO and CONFIG."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import redis

from ..connection import Decoded


@dataclass(frozen=True, slots=True)
class RedisState:
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
    try:
        value = client.config_get(setting).get(setting, "")
    except redis.ResponseError:  # a managed Redis refuses CONFIG
        return RedisState(info, "aof" if append_only else "", "")
    if append_only:
        return RedisState(info, "aof", value)
    return RedisState(info, "rdb" if value else "none", "")

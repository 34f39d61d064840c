"""Proxies for the connections of a stack, which they can break like a faulty network.

The connections are those from readers to the web app, from the web app and the workers to Redis,
and from the workers to the mail server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from demo_app.rig.proxy import Proxy

#: The servers behind the proxies.
WIRES = ("redis", "smtp", "web")


class Wires:
    """The proxies of a stack, one for each name in `WIRES`.

    Args:
        folder: the stack's folder.
        options: the stack's options, with its ports (`web_port`, `smtp_port`).
    """

    def __init__(self, folder: Path, options: Mapping[str, Any]) -> None:
        self._redis = folder / "wire.sock"
        redis = partial(asyncio.open_unix_connection, folder / "redis/redis.sock")
        self.proxies = {
            "redis": Proxy(redis, self._redis),
            "smtp": Proxy(options["smtp_port"]),
            "web": Proxy(options["web_port"]),
        }

    @property
    def environment(self) -> dict[str, str]:
        return {
            "DEMO_REDIS_URL": f"redis+socket://{self._redis}",
            "DEMO_SMTP_URL": f"smtp://127.0.0.1:{self.proxies['smtp'].port}",
        }

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.proxies['web'].port}"

    def end(self) -> None:
        for proxy in self.proxies.values():
            proxy.end()

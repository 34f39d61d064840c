"""The wires: from readers to the web app, from web app and workers to Redis, from workers to mail.

Each is a proxy, so that a process sees what a broken network shows: nothing, or an end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from demo_app.rig.proxy import Proxy

#: What a wire leads to: the part that has to recover when it broke.
WIRES = ("redis", "smtp", "web")


class Wires:
    """The three, from the ports (`web_port`, `smtp_port`) and the folder of a stack."""

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
        """Where the processes find Redis and the mail server."""
        return {
            "DEMO_REDIS_URL": f"redis+socket://{self._redis}",
            "DEMO_SMTP_URL": f"smtp://127.0.0.1:{self.proxies['smtp'].port}",
        }

    @property
    def web(self) -> str:
        """Where readers find the web app."""
        return f"http://127.0.0.1:{self.proxies['web'].port}"

    def end(self) -> None:
        """Close every connection."""
        for proxy in self.proxies.values():
            proxy.end()

"""The wires: from readers to the web app, from web app and workers to Redis, from workers to mail.

Each is a proxy, so that a process sees what a broken network shows: nothing, or an end.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from bad_wire import BadWire

from demo_app.judge.proxy import Connect

#: What a wire leads to: the part that has to recover when it broke.
WIRES = ("redis", "smtp", "web")


class Wires:
    """The three, from the ports (`web_port`, `smtp_port`) and the folder of a stack."""

    def __init__(self, folder: Path, options: Mapping[str, Any]) -> None:
        self._redis = folder / "wire.sock"
        redis = socket.socket(socket.AF_UNIX)
        redis.bind(str(self._redis))
        redis.listen(128)
        ends: dict[str, tuple[socket.socket, Connect]] = {
            "redis": (redis, partial(asyncio.open_unix_connection, folder / "redis/redis.sock")),
            "smtp": _over_tcp(options["smtp_port"]),
            "web": _over_tcp(options["web_port"]),
        }
        self._ports = {name: ends[name][0].getsockname()[1] for name in ("smtp", "web")}
        self.proxies = {name: BadWire({end: connect}) for name, (end, connect) in ends.items()}

    @property
    def environment(self) -> dict[str, str]:
        """Where the processes find Redis and the mail server."""
        return {
            "DEMO_REDIS_URL": f"redis+socket://{self._redis}",
            "DEMO_SMTP_URL": f"smtp://127.0.0.1:{self._ports['smtp']}",
        }

    @property
    def web(self) -> str:
        """Where readers find the web app."""
        return f"http://127.0.0.1:{self._ports['web']}"

    def end(self) -> None:
        """Close every connection."""
        for proxy in self.proxies.values():
            proxy.end()


def _over_tcp(port: int) -> tuple[socket.socket, Connect]:
    end = socket.create_server(("127.0.0.1", 0))
    return end, partial(asyncio.open_connection, "127.0.0.1", port)

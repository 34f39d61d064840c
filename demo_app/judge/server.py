"""The Redis server of a trial, which can be killed, restarted and searched for jobs."""

import asyncio
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import redis

from demo_app.rig.process_group import ProcessGroup
from demo_app.rig.proxy import Streams
from demo_app.rig.redis_server import RedisServer

#: A script that returns the whole content of the server: each key, its type, its elements.
CONTENT = """
local READ = {string = {'GET'}, list = {'LRANGE', 0, -1}, hash = {'HGETALL'}, set = {'SMEMBERS'},
  zset = {'ZRANGE', 0, -1, 'WITHSCORES'}, stream = {'XRANGE', '-', '+'}}
local found = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local kind = redis.call('TYPE', key).ok
  local read = READ[kind]
  if read then
    local parts = redis.call(read[1], key, unpack(read, 2))
    found[#found + 1] = {key, kind, type(parts) == 'table' and parts or {parts}}
  end
end
return found
"""
#: The location of a job while the server is down.
DOWN = ["? (the server is down)"]


class TrialServer:
    """The Redis server of a trial.

    Args:
        group: the process group of the server.
        password: the server's password, for clients over TCP; "" for clients over a unix socket.
        fsync: True for ``appendfsync always`` (slow), for trials that kill the server; False for
            ``appendfsync no``.

    Attributes:
        address: the URL for clients over TCP, with {} for the port; "" without a password.
    """

    def __init__(
        self, folder: Path, group: ProcessGroup, password: str = "", *, fsync: bool = True
    ) -> None:
        self._password = password
        self.address = f"redis://:{password}@127.0.0.1:{{}}/0" if password else ""
        (folder / "redis").mkdir()
        appendfsync = "always" if fsync else "no"
        self._server = RedisServer(group, folder / "redis", appendfsync=appendfsync)
        self.path = str(self._server.socket)
        self._opens = threading.Event()

    def start(self) -> None:
        self._opens.clear()
        self._server.start()
        with redis.Redis(unix_socket_path=self.path) as client:
            if self._password:
                client.config_set("requirepass", self._password)
        self._opens.set()

    def kill(self) -> None:
        self._opens.clear()
        self._server.kill()

    async def connect(self) -> Streams:
        if not self._opens.is_set():
            raise ConnectionRefusedError
        return await asyncio.open_unix_connection(self.path)

    def where(self, text: str) -> list[str]:
        """Return the keys whose content includes the job's text.

        Return [] if there are none, and `DOWN` if the server does not answer.
        """
        client = redis.Redis(
            unix_socket_path=self.path,
            password=self._password or None,
            socket_timeout=2.0,
            decode_responses=True,
            encoding_errors="replace",  # some queues store compressed bytes
        )
        with client, suppress(redis.RedisError):
            found: Any = client.eval(CONTENT, 0)
            return [key for key, kind, parts in sorted(found) if _has(kind, parts, text)]
        return DOWN


def _has(kind: str, parts: list[Any], text: str) -> bool:
    # ignore fields with a number: a counter that is named after a job does not store the job
    if kind == "hash":
        pairs = zip(parts[::2], parts[1::2], strict=True)
        parts = [pair for pair in pairs if not pair[1].isdigit()]
    return any(text in str(part) for part in parts)

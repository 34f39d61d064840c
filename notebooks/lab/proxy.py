"""The cable between two hosts: a proxy that can be unplugged.

``python proxy.py REDIS SMTP COMMAND...`` is its far end. It offers the two sockets as ports of the
far host, and becomes the command, which knows nothing else of the first host.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
#: Opens a connection to the other side.
Connect = Callable[[], Coroutine[Any, Any, Streams]]
Answer = TypeVar("Answer")
HOST_NAME = "second-host"


class Proxy:
    """Forwards each connection at a socket to the other side.

    Unplugged, it holds the bytes, as a broken network does: neither side is told.
    """

    def __init__(self, routes: Mapping[socket.socket, Connect]) -> None:
        self._loop = asyncio.new_event_loop()
        self._plugged_in = asyncio.Event()
        self._plugged_in.set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        for listener, connect in routes.items():
            self._run(asyncio.start_server(partial(self._forward, connect), sock=listener))

    def unplug(self) -> None:
        """From now on nothing arrives, in either direction."""
        self._loop.call_soon_threadsafe(self._plugged_in.clear)

    def plug_in(self) -> None:
        """What was held back arrives, and everything after it."""
        self._loop.call_soon_threadsafe(self._plugged_in.set)

    def end(self) -> None:
        """Close every connection; may be called twice."""
        if self._thread.is_alive():
            self._run(self._drop_all())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _run(self, act: Coroutine[Any, Any, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(act, self._loop).result()

    async def _drop_all(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _forward(
        self, connect: Connect, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError, asyncio.CancelledError):
            await self._plugged_in.wait()
            there, back = await connect()
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._plugged_in.wait()
                writer.write(data)
                await writer.drain()
            await self._plugged_in.wait()
        finally:
            writer.close()


def _set_up_network() -> None:
    """A new network namespace has no name, and even its loopback is down."""
    socket.sethostname(HOST_NAME)
    with socket.socket() as any_socket:
        request = struct.pack("16sh22x", b"lo", 1)  # IFF_UP
        fcntl.ioctl(any_socket, 0x8914, request)  # SIOCSIFFLAGS


def main() -> None:
    """Start the far end, and become the command."""
    paths, command = sys.argv[1:3], sys.argv[3:]
    if os.environ.pop("FAR_HOST", ""):
        _set_up_network()
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in paths]
    redis, smtp = (listener.getsockname()[1] for listener in listeners)
    command_lives, held_by_command = os.pipe()
    if os.fork() == 0:
        os.close(held_by_command)
        far = [partial(asyncio.open_unix_connection, path) for path in paths]
        Proxy(dict(zip(listeners, far, strict=True)))
        os.read(command_lives, 1)  # returns when the command is dead
        os._exit(0)
    os.set_inheritable(held_by_command, True)
    addresses = {
        "DEMO_REDIS_URL": f"redis://127.0.0.1:{redis}/0",
        "DEMO_SMTP_URL": f"smtp://127.0.0.1:{smtp}",
    }
    os.execvpe(command[0], command, {**os.environ, **addresses})


if __name__ == "__main__":
    main()

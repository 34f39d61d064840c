"""The cable between two hosts: it carries what a worker elsewhere says, and can be unplugged.

``python cable.py REDIS SMTP COMMAND...`` is its far end: it offers what two sockets lead to on the
far host's own address, and becomes the command, which knows nothing else of the first host.
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
Reach = Callable[[], Coroutine[Any, Any, Streams]]
Answer = TypeVar("Answer")
HOST_NAME = "second-host"


class Cable:
    """Carries each connection that comes in at a socket on to where that one leads.

    Unplugged, it holds what comes, as a network does: no end is told of it.
    """

    def __init__(self, leads_to: Mapping[socket.socket, Reach]) -> None:
        self._loop = asyncio.new_event_loop()
        self._whole = asyncio.Event()
        self._whole.set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cable", daemon=True)
        self._thread.start()
        for listener, reach in leads_to.items():
            self._do(asyncio.start_server(partial(self._carry, reach), sock=listener))

    def unplug(self) -> None:
        """From now on nothing arrives, in either direction."""
        self._loop.call_soon_threadsafe(self._whole.clear)

    def plug_in(self) -> None:
        """What was held meanwhile arrives, and all that comes."""
        self._loop.call_soon_threadsafe(self._whole.set)

    def end(self) -> None:
        """Carry nothing more; may be called twice."""
        if self._thread.is_alive():
            self._do(self._drop_all())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _do(self, act: Coroutine[Any, Any, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(act, self._loop).result()

    async def _drop_all(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _carry(
        self, reach: Reach, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError, asyncio.CancelledError):
            await self._whole.wait()
            there, back = await reach()
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._whole.wait()
                writer.write(data)
                await writer.drain()
            await self._whole.wait()
        finally:
            writer.close()


def main() -> None:
    """Lay the far end, and become the command."""
    paths, command = sys.argv[1:3], sys.argv[3:]
    if os.environ.pop("FAR_HOST", ""):  # a network of its own: even its loopback is down yet
        socket.sethostname(HOST_NAME)
        with socket.socket() as any_socket:
            fcntl.ioctl(
                any_socket, 0x8914, struct.pack("16sh22x", b"lo", 1)
            )  # SIOCSIFFLAGS, IFF_UP
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in paths]
    redis, smtp = (listener.getsockname()[1] for listener in listeners)
    lives, held_while_it_lives = os.pipe()
    if os.fork() == 0:
        os.close(held_while_it_lives)
        far = [partial(asyncio.open_unix_connection, path) for path in paths]
        Cable(dict(zip(listeners, far, strict=True)))
        os.read(lives, 1)  # nothing comes; the command's death ends it
        os._exit(0)
    os.set_inheritable(held_while_it_lives, True)
    there = {"DEMO_REDIS_URL": f"redis://127.0.0.1:{redis}/0",
             "DEMO_SMTP_URL": f"smtp://127.0.0.1:{smtp}"}  # fmt: skip
    os.execvpe(command[0], command, {**os.environ, **there})


if __name__ == "__main__":
    main()

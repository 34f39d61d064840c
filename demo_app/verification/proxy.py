"""The cable between two processes: a proxy that can be unplugged, and that can lose an answer."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
#: Opens a connection to the other side.
Connect = Callable[[], Coroutine[Any, Any, Streams]]
Answer = TypeVar("Answer")


class Proxy:
    """Forwards each connection at a socket to the other side.

    Unplugged, it holds the bytes, as a broken network does: neither side is told.
    """

    def __init__(self, routes: Mapping[socket.socket, Connect]) -> None:
        self._loop = asyncio.new_event_loop()
        self._plugged_in = asyncio.Event()
        self._plugged_in.set()
        self._loses = False
        #: Set when the answer was lost that `lose_answer` is for.
        self.lost = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._servers = [
            self._run(asyncio.start_server(partial(self._forward, connect), sock=listener))
            for listener, connect in routes.items()
        ]

    def unplug(self) -> None:
        """From now on nothing arrives, in either direction."""
        self._loop.call_soon_threadsafe(self._plugged_in.clear)

    def plug_in(self) -> None:
        """What was held back arrives, and everything after it."""
        self._loop.call_soon_threadsafe(self._plugged_in.set)

    def lose_answer(self) -> None:
        """The next request arrives; its answer does not, and its connection breaks."""
        self.lost.clear()
        self._loses = True

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
        for server in self._servers:
            server.close()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    async def _forward(
        self, connect: Connect, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError, asyncio.CancelledError):
            await self._plugged_in.wait()
            there, back = await connect()
            losing = asyncio.Event()
            requests = self._pump(reader, back, partial(self._may_lose, losing))
            await asyncio.gather(requests, self._pump(there, writer, partial(self._cut, losing)))
        writer.close()

    def _may_lose(self, losing: asyncio.Event) -> None:
        """A request passes: it is the one whose answer is to be lost."""
        if self._loses:
            self._loses = False
            losing.set()

    def _cut(self, losing: asyncio.Event) -> None:
        """An answer passes, or is lost. Raises ConnectionError for a lost one."""
        if losing.is_set():
            self.lost.set()
            raise ConnectionError("the answer was lost")

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        passes: Callable[[], None],
    ) -> None:
        try:
            while data := await reader.read(65536):
                await self._plugged_in.wait()
                passes()
                writer.write(data)
                await writer.drain()
            await self._plugged_in.wait()
        finally:
            writer.close()

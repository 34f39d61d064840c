"""The cable between two processes: a proxy that breaks it in each of the ways a network breaks."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
#: Opens a connection to the other side.
Connect = Callable[[], Coroutine[Any, Any, Streams]]
Answer = TypeVar("Answer")

#: SO_LINGER for a connection that ends with a reset (RST) and not with an end (FIN): socket(7).
_RESET = struct.pack("ii", 1, 0)


class Line:
    """One connection through the proxy. frozen: nothing passes any more, and nobody is told."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.ends = client, server
        self.frozen = self.losing = False

    def reset(self) -> None:
        """End it at once, for both sides."""
        for end in self.ends:
            with suppress(OSError):  # a unix socket has no reset
                end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            end.transport.abort()


class Proxy:
    """Forwards each connection at a socket to the other side.

    Unplugged, it holds the bytes, as a broken network does: neither side is told. Safe to use from
    every thread. watch: is told of all data that come by, with their connection and whether they
    are an answer; they go on when it returns. tls: what it speaks to clients, if anything; the
    other side hears plain text.
    """

    def __init__(
        self,
        routes: Mapping[socket.socket, Connect],
        watch: Callable[..., Any] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._watch = watch
        self._loop = asyncio.new_event_loop()
        self._plugged_in = asyncio.Event()
        self._plugged_in.set()
        self._loses = False
        self._loses_like: re.Pattern[bytes] | None = None
        self._lines: set[Line] = set()
        #: Seconds by which each piece of data is late, in both directions.
        self.delay = 0.0
        #: Set when the answer was lost that `lose_answer` or `lose_answer_like` is for.
        self.lost = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._servers = [
            self._run(asyncio.start_server(partial(self._forward, connect), sock=listener, ssl=tls))
            for listener, connect in routes.items()
        ]

    @property
    def busy(self) -> bool:
        """Whether a connection is open."""
        return bool(self._lines)

    def unplug(self) -> None:
        """From now on nothing arrives, in either direction."""

        async def clear() -> None:
            self._plugged_in.clear()

        self._run(clear())

    def plug_in(self) -> None:
        """What was held back arrives, and everything after it."""
        self._loop.call_soon_threadsafe(self._plugged_in.set)

    def lose_answer(self) -> None:
        """The next request arrives; its answer does not, and its connection breaks."""
        self.lost.clear()
        self._loses = True

    def lose_answer_like(self, pattern: re.Pattern[bytes] | None) -> None:
        """The next answer that holds the pattern does not arrive; None: not even that one."""
        self.lost.clear()
        self._loses_like = pattern

    def reset(self) -> None:
        """End every connection; new ones work."""
        self.for_all(Line.reset)

    def end(self) -> None:
        """Close every connection; may be called twice."""
        if self._thread.is_alive():
            self._run(self._drop_all())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _run(self, act: Coroutine[Any, Any, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(act, self._loop).result()

    def for_all(self, act: Callable[[Line], None]) -> None:
        """Do it with every connection."""
        self._loop.call_soon_threadsafe(lambda: [*map(act, [*self._lines])])

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
            line = Line(writer, back)
            self._lines.add(line)
            requests = self._pump(line, reader, back, self._may_lose)
            try:
                await asyncio.gather(requests, self._pump(line, there, writer, self._cut))
            finally:
                self._lines.discard(line)
        writer.close()

    def _may_lose(self, line: Line, _request: bytes) -> None:
        """A request passes; its answer may be one to be lost."""
        if self._loses:
            self._loses, line.losing = False, True

    def _cut(self, line: Line, answer: bytes) -> None:
        """An answer passes, or is lost. Raises ConnectionError for a lost one."""
        if self._loses_like and self._loses_like.search(answer):
            self._loses_like, line.losing = None, True
        if line.losing:
            self.lost.set()
            raise ConnectionError("the answer was lost")

    async def _pump(
        self,
        line: Line,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        passes: Callable[[Line, bytes], None],
    ) -> None:
        try:
            while data := await reader.read(65536):
                if self.delay:
                    await asyncio.sleep(self.delay)
                await self._plugged_in.wait()
                if line.frozen:
                    continue
                if self._watch:
                    await self._watch(line, data, is_answer=passes == self._cut)
                passes(line, data)
                writer.write(data)
                await writer.drain()
            await self._plugged_in.wait()
            while line.frozen:  # nor is anybody told of an end
                await asyncio.sleep(3600.0)
        finally:
            writer.close()

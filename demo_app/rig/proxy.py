"""A proxy between clients and a server. It can break connections like a faulty network."""

import asyncio
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Container, Coroutine
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
#: A function that opens a connection to the server.
Connect = Callable[[], Coroutine[Any, Any, Streams]]
Answer = TypeVar("Answer")

#: The value of SO_LINGER with which a closed connection sends a reset (RST), not a FIN: socket(7).
_RESET = struct.pack("ii", 1, 0)


class Connection:
    """One connection through the proxy.

    Attributes:
        ends: the client's side and the server's side.
        frozen: True if the connection is half-open: no data pass, but neither side sees an end.
        losing: True if the proxy must drop the next reply.
    """

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.ends = client, server
        self.frozen = self.losing = False

    def reset(self) -> None:
        for end in self.ends:
            with suppress(OSError):  # a unix socket has no reset
                end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            end.transport.abort()


class Proxy:
    """A proxy that forwards each connection to the server, and can break it.

    Safe to use from every thread.

    Args:
        connect: a function that opens a connection to the server, or the server's port on this
            machine.
        at: the unix socket to listen on; None for a free TCP `port`.
        watch: an async function that is awaited before data are forwarded. It receives the
            connection, the data, and `is_answer` (True for data from the server).
        tls: TLS for clients; the server gets plain text.

    Attributes:
        delay: delay of all data in both directions (seconds).
        loses_requests: True to drop each request, and close its connection.
        loses_answers: True to forward each request, drop its reply, and close its connection.
        lost: an event that is set when a reply is dropped. `lose_answer` and `lose_answer_like`
            clear the event.
    """

    def __init__(
        self,
        connect: Connect | int,
        at: Path | None = None,
        watch: Callable[..., Any] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        if isinstance(connect, int):
            connect = partial(asyncio.open_connection, "127.0.0.1", connect)
        self._watch = watch
        self._loop = asyncio.new_event_loop()
        self._plugged_in = asyncio.Event()
        self._plugged_in.set()
        self._loses_request: bytes | None = None
        self._loses_like: re.Pattern[bytes] | None = None
        self._connections: set[Connection] = set()
        self.delay = 0.0
        self.loses_requests = self.loses_answers = False
        self.lost = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        forward = partial(self._forward, connect)
        if at:
            listening = asyncio.start_unix_server(forward, at, ssl=tls, backlog=128)
            self._server, self.port = self._run(listening), 0
        else:
            self._server = self._run(asyncio.start_server(forward, "127.0.0.1", 0, ssl=tls))
            self.port = int(self._server.sockets[0].getsockname()[1])

    @property
    def busy(self) -> bool:
        return bool(self._connections)

    def unplug(self) -> None:
        """Hold all data and new connections until `plug_in`."""

        async def clear() -> None:
            self._plugged_in.clear()

        self._run(clear())

    def plug_in(self) -> None:
        """End `unplug`: forward the held data and all later data."""
        self._loop.call_soon_threadsafe(self._plugged_in.set)

    def lose_answer(self, request: bytes = b"") -> None:
        """Forward the next matching request, but drop its reply and close its connection.

        Args:
            request: a request matches if it contains these bytes, which must be capitals. The case
                of the request is ignored.
        """
        self.lost.clear()
        self._loses_request = request

    def lose_answer_like(self, pattern: re.Pattern[bytes] | None) -> None:
        """Drop the next reply that matches the pattern, and close its connection.

        Args:
            pattern: None cancels an earlier pattern that has not matched yet.
        """
        self.lost.clear()
        self._loses_like = pattern

    def freeze(self, ports: Container[int] | None = None) -> None:
        """Make the present connections half-open. Later connections work.

        Args:
            ports: the client ports of these connections, as the server sees them; None for all.
        """

        def freeze(one: Connection) -> None:
            one.frozen |= ports is None or one.ends[1].get_extra_info("sockname")[1] in ports

        self._for_all(freeze)

    def reset(self) -> None:
        """Reset the present connections. Later connections work."""
        self._for_all(Connection.reset)

    def end(self) -> None:
        """Close the proxy and every connection. A second call does nothing."""
        if self._thread.is_alive():
            self._run(self._drop_all())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _run(self, act: Coroutine[Any, Any, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(act, self._loop).result()

    def _for_all(self, act: Callable[[Connection], None]) -> None:
        self._loop.call_soon_threadsafe(lambda: [*map(act, [*self._connections])])

    async def _drop_all(self) -> None:
        self._server.close()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    async def _forward(
        self, connect: Connect, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError, asyncio.CancelledError):
            await self._plugged_in.wait()
            server, back = await connect()
            connection = Connection(writer, back)
            self._connections.add(connection)
            requests = self._pump(connection, reader, back, self._filter_request)
            try:
                await asyncio.gather(
                    requests, self._pump(connection, server, writer, self._filter_reply)
                )
            finally:
                self._connections.discard(connection)
        writer.close()

    def _filter_request(self, connection: Connection, request: bytes) -> None:
        # raise ConnectionError to drop the request, or mark the connection to drop the reply
        if self.loses_requests:
            raise ConnectionError("the request was lost")
        wanted = self._loses_request
        if self.loses_answers or (wanted is not None and wanted in request.upper()):
            self._loses_request, connection.losing = None, True

    def _filter_reply(self, connection: Connection, answer: bytes) -> None:
        # raise ConnectionError to drop the reply
        if self._loses_like and self._loses_like.search(answer):
            self._loses_like, connection.losing = None, True
        if connection.losing:
            self.lost.set()
            raise ConnectionError("the answer was lost")

    async def _pump(
        self,
        connection: Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        passes: Callable[[Connection, bytes], None],
    ) -> None:
        try:
            while data := await reader.read(65536):
                if self.delay:
                    await asyncio.sleep(self.delay)
                await self._plugged_in.wait()
                if connection.frozen:
                    continue
                if self._watch:
                    await self._watch(connection, data, is_answer=passes == self._filter_reply)
                passes(connection, data)
                writer.write(data)
                await writer.drain()
            await self._plugged_in.wait()
            while connection.frozen:  # a half-open connection does not report its end
                await asyncio.sleep(3600.0)
        finally:
            writer.close()

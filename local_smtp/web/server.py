"""The HTTP side as a whole: a loop of its own, in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from local_smtp.bounds import (
    BACKLOG,
    CONNECTIONS,
    HELD_BYTES,
    REQUEST_FIELDS,
    REQUEST_HEAD_BYTES,
    REQUEST_SECONDS,
    REQUESTS_AHEAD,
)
from local_smtp.crowd import Crowd

_STOP_WITHIN = 3.0  # seconds
_PIECE = 4096  # bytes of a request that are looked at together
_TOO_LONG = f"A request may have {REQUEST_FIELDS} headers of {REQUEST_HEAD_BYTES} bytes, no more.\n"
_TOO_SLOW = f"A request has to be complete within {REQUEST_SECONDS:.0f} seconds.\n"


class _BoundedHttp(HttpToolsProtocol):
    """Uvicorn's protocol, which by itself reads headers of any length, for any time, and from any
    number of clients.
    """

    crowd: Crowd

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head: int | None = 0  # bytes of it so far, None once it is complete
        self._held = 0  # bytes of the request that was not answered yet
        self._deaf = False  # too many requests are ahead: the last of them ends the connection
        self._too_late: asyncio.TimerHandle | None = None

    def cut_off(self) -> None:
        """End the connection at once."""
        if self.cycle is not None:
            self.cycle.disconnected = True  # or it would write into what is closed
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.crowd.heard(self)
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        self.crowd.gone(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            self._held += len(piece)
            self.crowd.heard(self, self._held)
            super().data_received(piece)
            if self._deaf or self.transport.is_closing():
                return
            if self._head is not None:
                self._head += len(piece)
                if self._head > REQUEST_HEAD_BYTES + _PIECE or self._has_too_many_fields():
                    self._refuse(b"431 Request Header Fields Too Large", _TOO_LONG)
                    return

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = 0
        self._begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        # Those behind the body mean nothing here, and each costs 40 times its bytes in memory.
        if self._head is not None and not self._has_too_many_fields():
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._has_too_many_fields():
            self._refuse(b"431 Request Header Fields Too Large", _TOO_LONG)
        elif len(self.pipeline) >= REQUESTS_AHEAD:
            self._deaf, self.cycle.keep_alive = True, False
        else:
            self._head = None
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._head is None:  # or it is that of a request which was refused
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._head is not None:  # the request was refused
            return
        super().on_message_complete()
        self._end()
        if not self.cycle.response_complete:
            self.crowd.waits(self, self._held)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._held = 0
        self.crowd.heard(self, self.transport.get_write_buffer_size())

    def pause_writing(self) -> None:
        super().pause_writing()
        self.crowd.holds(self, self._held + self.transport.get_write_buffer_size())

    def _has_too_many_fields(self) -> bool:
        return len(self.headers) > REQUEST_FIELDS

    def _begin(self) -> None:
        self._end()
        answer = (b"408 Request Timeout", _TOO_SLOW)
        self._too_late = self.loop.call_later(REQUEST_SECONDS, self._refuse, *answer)

    def _end(self) -> None:
        if self._too_late is not None:
            self._too_late.cancel()

    def _refuse(self, status: bytes, sentence: str) -> None:
        """Answer what is no whole request yet, and so never gets to the application."""
        if self._head is not None or not self.cycle.response_started:
            body = sentence.encode()
            lines = [b"HTTP/1.1 " + status, b"Content-Type: text/plain; charset=utf-8"]
            lines += [b"Content-Length: %d" % len(body), b"Connection: close"]
            self.transport.write(b"\r\n".join([*lines, b"", body]))
        self.transport.close()


def bounded_http(connections: int) -> type[HttpToolsProtocol]:
    """The protocol of one server that takes that many connections at once."""
    return type("BoundedHttp", (_BoundedHttp,), {"crowd": Crowd(connections, HELD_BYTES)})


class InboxServer:
    """Serves an application on a listening socket until it is stopped."""

    def __init__(self, listener: socket.socket, app: ASGIApp) -> None:
        config = uvicorn.Config(
            app,
            http=bounded_http(CONNECTIONS),
            backlog=BACKLOG,
            access_log=False,  # it would write tokens down
            log_level="error",
            lifespan="off",
            ws="none",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="inbox", daemon=True
        )

    def start(self) -> None:
        """Return once requests are answered.

        Raises RuntimeError when the server ended instead.
        """
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("the inbox could not be served")
            time.sleep(0.005)

    def stop(self) -> None:
        """End all connections and the loop."""
        self._server.should_exit = True
        self._thread.join(_STOP_WITHIN)

"""The HTTP side as a whole: a loop of its own, in a thread of its own."""

import asyncio
import socket
import threading
import time
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from local_smtp.crowd import Crowd
from local_smtp.settings import CONNECTION_LIMIT, REQUEST_HEAD_LIMIT
from local_smtp.web.guard import too_long_a_head

_STOP_WITHIN = 3.0  # seconds
_PIECE = 4096  # bytes of a request that are looked at together


class _BoundedHttp(HttpToolsProtocol):
    """Uvicorn's protocol, which by itself reads headers of any length, and from any number."""

    crowd: Crowd

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head: int | None = 0  # bytes of it so far, None once it is complete

    def cut_off(self) -> None:
        """End the connection at once."""
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.crowd.heard(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.crowd.gone(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.crowd.heard(self)
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            super().data_received(piece)
            if self.transport.is_closing():
                return
            if self._head is not None:
                self._head += len(piece)
                if self._head > REQUEST_HEAD_LIMIT + _PIECE:
                    self._refuse_head()
                    return

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = 0

    def on_headers_complete(self) -> None:
        self._head = None
        super().on_headers_complete()

    def _refuse_head(self) -> None:
        answer = too_long_a_head()
        lines = [b"HTTP/1.1 431 Request Header Fields Too Large"]
        lines += [name + b": " + value for name, value in answer.raw_headers]
        self.transport.write(b"\r\n".join([*lines, b"", bytes(answer.body)]))
        self.transport.close()


class InboxServer:
    """Serves an application on a listening socket until it is stopped."""

    def __init__(self, listener: socket.socket, app: ASGIApp) -> None:
        config = uvicorn.Config(
            app,
            http=type("BoundedHttp", (_BoundedHttp,), {"crowd": Crowd(CONNECTION_LIMIT)}),
            access_log=False,  # it would write tokens down
            log_level="error",
            lifespan="off",
            ws="none",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._listener = listener
        self._thread = threading.Thread(target=self._run, name="inbox", daemon=True)

    def start(self) -> None:
        """Return once requests are answered.

        Raises:
            RuntimeError: the server ended instead.
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

    def _run(self) -> None:
        self._server.run(sockets=[self._listener])

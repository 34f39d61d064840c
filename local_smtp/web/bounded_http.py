"""Uvicorn's HTTP with bounds: by itself it reads headers of any length, from any number, slowly."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from local_smtp.bounds import (
    CONNECTIONS,
    REQUEST_FIELDS,
    REQUEST_HEAD_BYTES,
    REQUEST_SECONDS,
    REQUESTS_AHEAD,
)
from local_smtp.crowd import Crowd
from local_smtp.web.guard import too_long_a_head

_PIECE = 4096  # bytes of a request that are looked at together


class BoundedHttp(HttpToolsProtocol):
    """A connection; `bounded_http` makes a class of it that has a crowd."""

    crowd: Crowd

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head: int | None = 0  # bytes of it so far, None once it is complete
        self._deadline: asyncio.TimerHandle | None = None

    def cut_off(self) -> None:
        """End the connection at once."""
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the client in."""
        super().connection_made(transport)
        self.crowd.heard(self)
        self._expect_a_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the client out."""
        self.crowd.gone(self)
        self._expect_nothing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Look at what came piece by piece, so that no more than a head is kept."""
        self.crowd.heard(self)
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            super().data_received(piece)
            if self.transport.is_closing():
                return
            if self._head is not None:
                self._head += len(piece)
                if self._head > REQUEST_HEAD_BYTES + _PIECE or len(self.headers) > REQUEST_FIELDS:
                    self._refuse_head()
                    return

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._head = 0
        self._expect_a_request()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header field; those behind the body mean nothing here."""
        if self._head is not None and len(self.headers) <= REQUEST_FIELDS:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Its head has ended."""
        if len(self.headers) > REQUEST_FIELDS:
            self._refuse_head()
        elif len(self.pipeline) >= REQUESTS_AHEAD:
            self.cut_off()
        else:
            self._head = None
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request has ended: from here on the client is the one that waits."""
        self._expect_nothing()
        if not self.cycle.response_complete:
            self.crowd.gone(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The request is answered."""
        self.crowd.heard(self)
        super().on_response_complete()

    def _expect_a_request(self) -> None:
        self._expect_nothing()
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self.cut_off)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse_head(self) -> None:
        answer = too_long_a_head()
        lines = [b"HTTP/1.1 431 Request Header Fields Too Large"]
        lines += [name + b": " + value for name, value in answer.raw_headers]
        self.transport.write(b"\r\n".join([*lines, b"", bytes(answer.body)]))
        self.transport.close()


def bounded_http(connections: int = CONNECTIONS) -> type[BoundedHttp]:
    """Return what `uvicorn.Config(http=...)` takes, for a server of at most so many clients."""
    return type("BoundedHttp", (BoundedHttp,), {"crowd": Crowd(connections)})

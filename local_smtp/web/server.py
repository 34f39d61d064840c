"""How an app of this machine is served over HTTP, with bounds on what its clients may hold."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import LifespanType
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from local_smtp.bounds import (
    HELD_BYTES,
    REQUEST_FIELDS,
    REQUEST_HEAD_BYTES,
    REQUEST_SECONDS,
    REQUESTS_AHEAD,
)
from local_smtp.crowd import Crowd


class TooMuch(Exception):
    """Raised while a request is parsed: uvicorn answers with 400, and closes the connection."""


class _BoundedHttp(HttpToolsProtocol):
    """Uvicorn's protocol, which by itself reads heads of any length and any number of requests
    ahead, for any time, and from any number of clients.
    """

    crowd: Crowd
    _held = 0  # bytes of the request that is not complete
    _too_late: asyncio.TimerHandle | None = None
    _answering: RequestResponseCycle | None = None

    def cut_off(self) -> None:
        """End the connection at once."""
        self._answer_nobody()
        self.transport.abort()

    def _answer_nobody(self) -> None:
        if self._answering is not None:
            self._answering.disconnected = True  # or it would write into what is closed

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle  # uvicorn knows the one that came last: there may be some ahead
        super()._start_asgi_task(cycle, app)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.crowd.heard(self.cut_off)
        self._too_late = self.loop.call_later(REQUEST_SECONDS, self.cut_off)

    def connection_lost(self, exc: Exception | None) -> None:
        self._in_time()
        self.crowd.gone(self.cut_off)
        self._answer_nobody()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._held += len(data)
        self.crowd.heard(self.cut_off, self._held)
        if self._too_late is None:
            self._too_late = self.loop.call_later(REQUEST_SECONDS, self.cut_off)
        super().data_received(data)
        in_head = self.scope is not None and "method" not in self.scope
        if in_head and self._held > REQUEST_HEAD_BYTES:
            self.send_400_response("The head of the request is too long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self.headers) == REQUEST_FIELDS:  # with those behind the body
            raise TooMuch
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if len(self.pipeline) == REQUESTS_AHEAD:
            raise TooMuch
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._held = 0
        self._in_time()

    def _in_time(self) -> None:
        if self._too_late is not None:
            self._too_late.cancel()
            self._too_late = None


def configured(
    app: ASGIApp,
    connections: int,
    backlog: int,
    *,
    patience: int,
    proxies: str = "",
    lifespan: LifespanType = "auto",
) -> uvicorn.Config:
    """How an app of this machine is served: to so many clients at once, of which more wait.

    patience: seconds for those that it serves, at its end. proxies: whose headers are believed.
    """
    return uvicorn.Config(
        app,
        http=type("BoundedHttp", (_BoundedHttp,), {"crowd": Crowd(connections, HELD_BYTES)}),
        backlog=backlog,
        ws="none",
        access_log=False,  # it would write tokens down
        log_level="error",  # a warning is somebody's bad request
        log_config=None,  # its errors go where the program's go
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=patience,
        lifespan=lifespan,
    )

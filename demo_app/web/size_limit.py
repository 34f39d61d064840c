"""Refuse a request that is too large before it is read into memory."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BYTES = 256 * 1024


_SENTENCE = f"A request has at most {MAX_BYTES // 1024} KB; this one has more."


class TooLarge(HTTPException):
    """More came in than may. An HTTP error, which FastAPI lets through while it reads a body."""

    def __init__(self) -> None:
        super().__init__(413, _SENTENCE)


class SizeLimit:
    """Middleware: 413 for a body beyond MAX_BYTES, announced or not."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, counting."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdigit() and int(announced) > MAX_BYTES:
            return await _too_large(scope, receive, send)
        seen, begun = 0, False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > MAX_BYTES:
                raise TooLarge
            return message

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, counted, noted)
        except TooLarge:
            if not begun:
                await _too_large(scope, receive, send)
        return None


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse({"detail": _SENTENCE}, status_code=413)(scope, receive, send)

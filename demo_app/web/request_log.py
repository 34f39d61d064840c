"""One id and one line of log for each request, and a calm answer when there is a bug.

The id of the request that brings a comment becomes the id of the comment's job, and the job's id
stands in its mail (``X-Job-Id``): one word to search for in every log, in Redis and in the inbox.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from contextvars import ContextVar

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo_app.web.problems import unexpected

log = logging.getLogger("demo_app.web.requests")
_current: ContextVar[str] = ContextVar("request id", default="")
_QUIET = ("/healthz", "/static/")


def request_id() -> str:
    """The id of the request at hand; outside of one, a new id."""
    return _current.get() or str(uuid.uuid4())


class RequestLog:
    """Middleware; see the module. Never logs a query string: it may hold the token."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, and write it down."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began, status, id_ = time.perf_counter(), 0, str(uuid.uuid4())
        token = _current.set(id_)

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", id_.encode())]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except Exception:
            log.exception("unexpected error", extra={"told": {"request_id": id_}})
            if not status:
                await unexpected(Request(scope))(scope, receive, noted)
        finally:
            _current.reset(token)
            if not scope["path"].startswith(_QUIET):
                told = {
                    "request_id": id_,
                    "method": scope["method"],
                    "path": scope["path"],
                    "status": status,
                    "ms": round((time.perf_counter() - began) * 1000, 1),
                }
                log.info("request", extra={"told": told})
        return None


class JsonLines(logging.Formatter):
    """Log records as one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        told = {
            "at": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "told", {}),
        }
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)

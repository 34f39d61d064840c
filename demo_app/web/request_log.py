"""One id and one line of log for each request, and a calm answer when there is a bug.

The id of the request that brings a comment becomes the id of the comment's job, and the job's id
is in its mail (``X-Job-Id``): one word to search for in every log, in Redis and in the inbox.
So the id is always made here, and never taken from the request.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from contextvars import ContextVar

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo_app.web.errors import DomainError, error_response
from local_smtp.escape import escape_invisible

log = logging.getLogger("demo_app.web.requests")
_current: ContextVar[str] = ContextVar("request id", default="")
_NOT_LOGGED = ("/healthz", "/static/")


def take_request_id() -> str:
    """The id of the request at hand, once; then, and outside of one, a new id."""
    id_, _ = _current.get(), _current.set("")
    return id_ or str(uuid.uuid4())


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

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", id_.encode())]
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except Exception:
            log.exception("unexpected error", extra={"fields": {"request_id": id_}})
            if not status:  # the log has the traceback, the reader does not
                answer = error_response(Request(scope), DomainError(500, "unexpected"))
                await answer(scope, receive, sending)
        finally:
            _current.reset(token)
            if not scope["path"].startswith(_NOT_LOGGED):
                fields = {
                    "request_id": id_,
                    "method": scope["method"],
                    "path": scope["path"][:200],
                    "status": status,
                    "ms": round((time.perf_counter() - began) * 1000, 1),
                }
                log.info("request", extra={"fields": fields})
        return None


class JsonLines(logging.Formatter):
    """Log records as one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        fields = {
            "at": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return escape_invisible(json.dumps(fields, ensure_ascii=False, default=str))

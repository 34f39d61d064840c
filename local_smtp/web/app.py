"""The inbox as an ASGI application."""

import json
import sqlite3

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from local_smtp import __version__
from local_smtp.settings import Settings
from local_smtp.shared.guard import LOOPBACK_NAMES, REQUEST_BODY_BYTES, Guard, host_pattern
from local_smtp.web.api import api_routes
from local_smtp.web.inbox import Inbox
from local_smtp.web.pages import page_routes, render

#: The reason for a refused request, by status.
WHY = {
    401: "This inbox needs its token: open it with the link that was printed when it"
    " started (…/?token=…), or send the header Authorization: Bearer <token>.",
    403: "Another site's page may not use this inbox.",
    413: f"A request may have at most {REQUEST_BODY_BYTES} bytes.",
    415: "The body of a request must be JSON, with the header Content-Type: application/json.",
}


class SinkGuard(Guard):
    """The guard of the inbox, which has no forms."""

    bodies = ("", "application/json")

    def refuse(self, request: Request, error: HTTPException) -> Response:
        return _http_error(request, error)

    def needs_token(self, path: str) -> bool:
        """Return True, except for the style sheet, which the page of the error 401 needs."""
        return path != "/static/page.css"


def create_app(inbox: Inbox, settings: Settings, port: int) -> ASGIApp:
    """Return the inbox as an ASGI application.

    Args:
        port: a part of the cookie's name, since browsers send cookies to all ports of a host.
    """
    app = FastAPI(
        title="local_smtp mail sink",
        version=__version__,
        docs_url=None,  # the documentation pages would load scripts from other sites
        redoc_url=None,
    )
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(sqlite3.Error, _store_error)
    app.include_router(api_routes(inbox))
    app.include_router(page_routes(inbox, settings.app_url))
    app.mount("/static", StaticFiles(packages=[("local_smtp.web", "static")]))
    hosts = (*LOOPBACK_NAMES, *map(host_pattern, (settings.host, *settings.allow_host)))
    guarded = SinkGuard(app, settings.token, cookie=f"mail_sink_{port}")
    return TrustedHostMiddleware(guarded, hosts, www_redirect=False)


def _page(request: Request, status: int, why: str) -> Response | None:
    """Return an error page in the reader's language, or None for a request of a program."""
    path = request.scope["path"]
    if path.startswith("/api/") or "text/html" not in request.headers.get("accept", ""):
        return None
    root = "../" * (path.count("/") - 1) or "./"
    shown = {"status": status, "why": why, "root": root}
    return HTMLResponse(render("error.html", request.headers, **shown), status)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    why = WHY.get(error.status_code, error.detail)
    as_json = JSONResponse({"detail": why}, error.status_code, error.headers)
    return _page(request, error.status_code, why) or as_json


def _store_error(request: Request, error: Exception) -> Response:
    return _http_error(request, HTTPException(503, f"The store of the mails has failed: {error}."))


def _validation_error(request: Request, error: Exception) -> Response:
    """Return an error 422 with the problems, as JSON or as a page.

    Omit the values of the request: a value may be NaN, which JSON cannot contain.
    """
    assert isinstance(error, RequestValidationError)
    problems = [{name: one[name] for name in ("loc", "msg", "type")} for one in error.errors()]
    # in ASCII, since a name in the request may contain a lone surrogate
    as_json = Response(json.dumps({"detail": problems}), 422, media_type="application/json")
    return _page(request, 422, "There is nothing at this address.") or as_json

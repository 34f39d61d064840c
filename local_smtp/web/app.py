"""Puts the inbox together."""

from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from local_smtp import __version__
from local_smtp.settings import Settings
from local_smtp.web.api import Inbox, fault_routes, mail_routes
from local_smtp.web.assets import MEDIA_TYPES, asset
from local_smtp.web.guard import Guard


def create_app(inbox: Inbox, settings: Settings, port: int) -> ASGIApp:
    """Return the inbox as an ASGI application; `port` tells its cookie from other sinks'."""
    app = FastAPI(
        title="local_smtp mail sink",
        version=__version__,
        docs_url=None,  # their pages load scripts from elsewhere; /openapi.json is all here
        redoc_url=None,
    )
    app.add_exception_handler(RequestValidationError, _explain)
    app.include_router(mail_routes(inbox))
    app.include_router(fault_routes(inbox))
    for file in files(__package__).joinpath("page").iterdir():
        if Path(file.name).suffix in MEDIA_TYPES:
            path = "/" if file.name == "index.html" else f"/{file.name}"
            app.add_route(path, asset(file), include_in_schema=False)
    hosts = (settings.host, *settings.allow_host)
    return Guard(app, settings.token, hosts, cookie=f"mail_sink_{port}")


def _explain(request: Request, error: Exception) -> Response:
    """Say what is wrong with a request, without what it said: that may be no JSON (NaN, say)."""
    assert isinstance(error, RequestValidationError)
    detail = [
        {
            "loc": [_plain(part) for part in problem["loc"]],
            "msg": _plain(problem["msg"]),
            "type": problem["type"],
        }
        for problem in error.errors()
    ]
    return JSONResponse({"detail": detail}, 422)


def _plain(part: int | str) -> int | str:
    return part if isinstance(part, int) else part.encode("utf-8", "replace").decode()

"""Puts the inbox together."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from local_smtp import __version__
from local_smtp.faults import Faults
from local_smtp.incidents import Incidents
from local_smtp.settings import Settings
from local_smtp.store.reader import Reader
from local_smtp.store.writer import Writer
from local_smtp.web import fault_api, message_api, stream
from local_smtp.web.events import Events
from local_smtp.web.guard import Guard

_MEDIA_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Inbox:
    """What the inbox shows and changes."""

    settings: Settings
    reader: Reader
    writer: Writer
    faults: Faults
    incidents: Incidents
    events: Events


def create_app(inbox: Inbox, port: int) -> ASGIApp:
    """Return the inbox as an ASGI application; `port` tells its cookie from other sinks'."""
    app = FastAPI(
        title="local_smtp mail sink",
        version=__version__,
        docs_url=None,  # their pages load scripts from elsewhere; /openapi.json is all here
        redoc_url=None,
    )
    app.include_router(message_api.router(inbox.reader, inbox.writer, inbox.events, inbox.settings))
    app.include_router(fault_api.router(inbox.faults, inbox.incidents, inbox.events))
    app.include_router(stream.router(inbox.events, inbox.reader))
    for file in files(__package__).joinpath("page").iterdir():
        if Path(file.name).suffix not in _MEDIA_TYPES:
            continue
        path = "/" if file.name == "index.html" else f"/{file.name}"
        app.add_route(path, _asset(file), include_in_schema=False)
    hosts = (inbox.settings.host, *inbox.settings.allowed_hosts)
    return Guard(app, inbox.settings.token, hosts, cookie=f"mail_sink_{port}")


def _asset(file: Traversable) -> Callable[[Request], Response]:
    content = file.read_bytes()
    media_type = _MEDIA_TYPES[Path(file.name).suffix]

    def answer(request: Request) -> Response:
        return Response(content, media_type=media_type)

    return answer

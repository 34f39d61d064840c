"""Puts the inbox together."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

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

_ASSETS = {
    "": ("inbox.html", "text/html"),
    "inbox.css": ("inbox.css", "text/css"),
    "inbox.js": ("inbox.js", "text/javascript"),
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
    for path, (name, media_type) in _ASSETS.items():
        app.add_route(f"/{path}", _asset(name, media_type), include_in_schema=False)
    hosts = (inbox.settings.host, *inbox.settings.allowed_hosts)
    return Guard(app, inbox.settings.token, hosts, cookie=f"mail_sink_{port}")


def _asset(name: str, media_type: str) -> Callable[[Request], Response]:
    content = files(__package__).joinpath("page", name).read_bytes()

    def answer(request: Request) -> Response:
        return Response(content, media_type=media_type)

    return answer

"""The ASGI app: routes, errors, and the relay that lives beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import Response
from starlette.routing import Route

from demo_app.backends.celery import CeleryBackend, options_of
from demo_app.blog import posts
from demo_app.blog.identity import announce
from demo_app.blog.opening import open_database
from demo_app.blog.relay import Relay
from demo_app.broker.connection import connect
from demo_app.broker.queue import Queue
from demo_app.jobs.backend import backend_named
from demo_app.jobs.task import load_tasks
from demo_app.settings import Safeguard, Settings
from demo_app.shared.guard import LOOPBACK_NAMES, host_pattern
from demo_app.tasks import notify_author
from demo_app.web import (
    admin_actions,
    blog_pages,
    dashboard,
    errors,
    jobs_api,
    operations,
)
from demo_app.web.comments import CommentService
from demo_app.web.comments import Route as JobRoute
from demo_app.web.delivery import Locator
from demo_app.web.dependencies import Services
from demo_app.web.inbox import Inbox
from demo_app.web.journal import Feed
from demo_app.web.rate_limit import RateLimit
from demo_app.web.security import COOKIE, BlogGuard
from demo_app.web.templates import add_pages

_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def make_app(chosen: Settings) -> FastAPI:
    """Return the web app for these settings."""
    load_tasks(chosen.tasks)
    services = _services(chosen)
    comments = services.comments

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if not comments.backend.in_request:
            comments.relay.start()
        yield
        comments.relay.stop()
        for name in comments.used:
            backend_named(name).close()
        await services.feed.close()

    app = FastAPI(
        title="The demo app",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = services
    app.state.rooms = []
    # the dashboard last: its addresses would take those of the others for a state
    pages = (blog_pages, admin_actions, dashboard)
    for part in (*pages, jobs_api, operations):
        app.include_router(part.router)
    _serve_files(app, "demo_app.web")
    errors.add_handlers(app)
    app.add_middleware(BlogGuard, token=chosen.token, cookie=COOKIE)
    hosts = [*LOOPBACK_NAMES, *map(host_pattern, chosen.public_hosts)]
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)
    return app


def add_room(app: FastAPI, name: str, package: str, router: APIRouter) -> None:
    """Add a package above this one to the app.

    Args:
        app: the app.
        name: the address to which those who hold the token find a link.
        package: the package, with its sentences and its folders `pages` and `static`.
        router: its routes.
    """
    app.state.rooms.append(name)
    app.include_router(router)
    add_pages(package)
    _serve_files(app, package)


def _serve_files(app: FastAPI, package: str) -> None:
    folder = Path(str(files(package))) / "static"
    for file in folder.rglob("*.*"):
        path = f"/static/{file.relative_to(folder).as_posix()}"
        # out of memory: a file that is open for each client would use up the descriptors
        content = Response(file.read_bytes(), media_type=_MEDIA_TYPES[file.suffix])
        app.routes.append(Route(path, content, methods=["GET"], include_in_schema=False))


def _services(chosen: Settings) -> Services:
    database = open_database(chosen)
    posts.seed(database)
    backend = backend_named()
    route = JobRoute(backend, use_outbox=chosen.has(Safeguard.OUTBOX))
    # an experiment that takes the claim away is to show the hole, which the outbox would close
    keep = not chosen.without & {Safeguard.KEEP, Safeguard.ATOMIC_CLAIM}
    relay = Relay(database, backend, keep=keep, announce=partial(announce, chosen, database))
    comments = CommentService(database, relay, notify_author, route)
    queue = None
    if isinstance(backend, CeleryBackend):
        queue = Queue(connect(chosen.redis_url, timeout=2.0), options_of(chosen))
    inbox = Inbox()
    locator = Locator(comments, queue, inbox)
    rate_limit = RateLimit(chosen.comment_burst, chosen.comments_per_second)
    feed = Feed(chosen.redis_url if queue else None)
    return Services(comments, queue, inbox, locator, rate_limit, feed)

"""The ASGI app: its routes, its errors, and the relay, which runs in the same process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from sqlite3 import OperationalError

from fastapi import APIRouter, FastAPI

from demo_app.backends.celery import CeleryBackend, options_of
from demo_app.blog import posts
from demo_app.blog.identity import announce
from demo_app.blog.opening import open_database
from demo_app.blog.relay import Relay
from demo_app.broker.connection import connect, connect_async
from demo_app.broker.queue import Queue
from demo_app.broker.web.asgi import add_dashboard
from demo_app.broker.web.feed import Feed
from demo_app.broker.web.static_files import serve_files
from demo_app.broker.web.templates import Pages
from demo_app.jobs.backend import backend_named
from demo_app.jobs.task import load_tasks
from demo_app.settings import Safeguard, Settings
from demo_app.shared.guard import LOOPBACK_NAMES, host_pattern
from demo_app.tasks import notify_author
from demo_app.web import blog_pages, operations
from demo_app.web.comments import CommentService, Route
from demo_app.web.delivery import Locator
from demo_app.web.dependencies import Services
from demo_app.web.inbox import Inbox
from demo_app.web.rate_limit import RateLimit
from demo_app.web.security import COOKIE, BlogGuard


def make_app(chosen: Settings) -> FastAPI:
    load_tasks(chosen.tasks)
    services = _services(chosen)
    comments = services.comments

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if not comments.backend.in_request:
            comments.relay.start()
        yield
        comments.relay.stop()
        for backend in comments.used.values():
            backend.close()
        await services.feed.close()

    app = FastAPI(title="The demo app", lifespan=lifespan, docs_url=None, redoc_url=None)
    pages = Pages(
        "demo_app.web", controls=chosen.controls, lease=chosen.lease_seconds, relay=comments.relay
    )
    for part in (blog_pages, operations):
        app.include_router(part.router)
    serve_files(app, "demo_app.web")
    app.add_exception_handler(OperationalError, operations.no_database)
    guard = partial(BlogGuard, token=chosen.token, cookie=COOKIE)
    hosts = [*LOOPBACK_NAMES, *map(host_pattern, chosen.public_hosts)]
    add_dashboard(app, services, pages, guard, hosts)
    return app


def add_room(app: FastAPI, name: str, package: str, router: APIRouter) -> None:
    """Add a package with pages, such as the stage, to the app.

    Args:
        name: the path of the package's link in the header. Only holders of the token see the link.
        package: the package's name. It contains translations and the folders `pages` and `static`.
    """
    app.state.pages.rooms.append(name)
    app.state.pages.add(package)
    app.include_router(router)
    serve_files(app, package)


def _services(chosen: Settings) -> Services:
    database = open_database(chosen)
    posts.seed(database)
    backend = backend_named()
    route = Route(backend, use_outbox=chosen.has(Safeguard.OUTBOX))
    # an experiment without the atomic claim shows lost jobs: the outbox must not restore them
    keep = not chosen.without & {Safeguard.KEEP, Safeguard.ATOMIC_CLAIM}
    relay = Relay(database, backend, keep=keep, announce=partial(announce, chosen, database))
    comments = CommentService(database, relay, notify_author, route)
    queue = None
    if isinstance(backend, CeleryBackend):
        queue = Queue(connect(chosen.redis_url, timeout=2.0), options_of(chosen))
    inbox = Inbox()
    locator = Locator(comments, queue, inbox)
    rate_limit = RateLimit(chosen.comment_burst, chosen.comments_per_second)
    feed = Feed(connect_async(chosen.redis_url) if queue else None)
    return Services(comments, queue, inbox, locator, rate_limit, feed)

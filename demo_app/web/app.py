"""The ASGI app: routes, errors, and the relay that lives beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from demo_app.blog import posts
from demo_app.blog.database import Database
from demo_app.blog.relay import Relay
from demo_app.broker.connection import connect
from demo_app.broker.queue import Queue
from demo_app.jobs.backend import backend_named
from demo_app.jobs.registry import load_tasks
from demo_app.settings import BackendName, Safeguard, Settings, Transport
from demo_app.tasks import notify_author
from demo_app.web import (
    author_pages,
    blog_pages,
    decide_pages,
    events,
    jobs_api,
    jobs_pages,
    operations,
    outbox_pages,
    problems,
    stage_pages,
)
from demo_app.web.desk import Desk
from demo_app.web.inbox import Inbox
from demo_app.web.rate_limit import RateLimit
from demo_app.web.request_log import RequestLog
from demo_app.web.security import Guard
from demo_app.web.size_limit import SizeLimit
from demo_app.web.stage import Stage
from demo_app.web.whereabouts import Tracker


def make_app(chosen: Settings) -> FastAPI:
    """The web app for these settings."""
    load_tasks(chosen.tasks)
    database = Database(chosen.database)
    posts.seed(database)
    backend = backend_named()
    relay = Relay(database, backend)
    inbox = Inbox()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if not backend.in_request:
            relay.start()
        yield
        relay.stop()
        for name in desk.used:
            backend_named(name).close()
        inbox.close()

    app = FastAPI(title="The demo app", lifespan=lifespan, docs_url=None, redoc_url=None)
    desk = Desk(database, backend, relay, notify_author, use_outbox=chosen.has(Safeguard.OUTBOX))
    app.state.desk = desk
    app.state.store = _store(chosen)
    app.state.inbox = inbox
    app.state.tracker = Tracker(desk, app.state.store, inbox)
    app.state.stage = Stage(
        desk, app.state.store, app.state.tracker, inbox, chosen.dir / "stage-round"
    )
    app.state.rate_limit = RateLimit(chosen.comment_burst, chosen.comments_per_second)
    # the outbox before the dashboard, whose addresses would take it for a state
    pages = (blog_pages, author_pages, outbox_pages, decide_pages, jobs_pages, stage_pages)
    for part in (*pages, jobs_api, events, operations):
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=str(files("demo_app.web") / "static")))
    problems.add_handlers(app)
    app.add_middleware(SizeLimit)
    app.add_middleware(RequestLog)
    app.add_middleware(Guard, token=chosen.token, hosts=chosen.public_hosts)
    return app


def _store(chosen: Settings) -> Queue | None:
    if chosen.backend != BackendName.CELERY or chosen.transport is Transport.STOCK:
        return None
    return Queue(
        connect(chosen.redis_url, timeout=2.0),
        journal_length=chosen.journal_length,
        history_length=chosen.history_length,
    )

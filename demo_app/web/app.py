"""The ASGI app: routes, errors, and the relay that lives beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import redis
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from demo_app.blog import outbox, posts
from demo_app.blog.database import Database
from demo_app.blog.relay import Relay
from demo_app.jobs.backends import backend_named
from demo_app.jobs.task import load_tasks
from demo_app.queue.connection import connect
from demo_app.queue.store import Store
from demo_app.settings import BackendName, Safeguard, Settings, Transport
from demo_app.tasks import notify_author
from demo_app.web import blog_pages, jobs_api
from demo_app.web.comments import Desk, Refused
from demo_app.web.security import Guard
from demo_app.web.size_limit import SizeLimit


def make_app(chosen: Settings) -> FastAPI:
    """The web app for these settings."""
    load_tasks(chosen.tasks)
    database = Database(chosen.database)
    posts.seed(database)
    backend = backend_named()
    relay = Relay(database, backend)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if not backend.in_request:
            relay.start()
        yield
        relay.stop()
        backend.close()

    app = FastAPI(title="The demo app", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.desk = Desk(
        database, backend, relay, notify_author, use_outbox=chosen.has(Safeguard.OUTBOX)
    )
    app.state.backend = backend
    app.state.store = _store(chosen)
    app.include_router(blog_pages.router)
    app.include_router(jobs_api.router)

    @app.get("/healthz", tags=["operations"])
    def healthz() -> dict[str, object]:
        """200 while comments can be taken; Redis may be away, the outbox keeps their jobs."""
        return {"ok": True, "outbox": outbox.size(database), "trouble": relay.trouble}

    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(redis.ConnectionError, _no_redis)
    app.add_exception_handler(redis.TimeoutError, _no_redis)
    app.add_middleware(SizeLimit)
    app.add_middleware(Guard, token=chosen.token, hosts=chosen.public_hosts)
    return app


def _store(chosen: Settings) -> Store | None:
    if chosen.backend is not BackendName.CELERY or chosen.transport is Transport.STOCK:
        return None
    return Store(connect(chosen.redis_url, timeout=2.0))


def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    return JSONResponse({"detail": str(error)}, status_code=error.status)


def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problems = [
        f"{'.'.join(str(part) for part in problem['loc'][1:]) or 'the request'}: {problem['msg']}"
        for problem in error.errors()
    ]
    return JSONResponse({"detail": "; ".join(problems)}, status_code=422)


def _no_redis(_: Request, __: Exception) -> JSONResponse:
    return JSONResponse(
        {"detail": "Redis can't be reached. Comments are taken all the same."}, status_code=503
    )

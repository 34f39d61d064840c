"""The dashboard of a Celery app as an ASGI app: to mount in another app, or to serve alone."""

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from celery.exceptions import ImproperlyConfigured
from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp

from ..defaults import uses_this_broker
from ..exposition import CONTENT_TYPE, exposition, metrics_of
from ..options import DEFAULTS
from ..queue import Queue
from ..snapshot import Snapshot
from . import admin_actions, errors, job_pages, jobs_api
from .feed import Feed, InThreads
from .guard import PageGuard
from .host import Host, QueueDep
from .periodic import PeriodicTask, periodic_tasks
from .static_files import serve_files
from .templates import Pages

log = logging.getLogger(__name__)

#: Seconds for which a connection to one of the app's Redis servers is reused. Then the servers are
#: tried in order again, since the workers may use another server by now.
_REUSE = 5.0
MakeGuard = Callable[[ASGIApp], PageGuard]


class CeleryHost:
    """A Celery app on this broker as the `Host` of the pages."""

    backend_name = "celery"

    def __init__(self, celery_app: Any) -> None:
        self._app = celery_app
        self._found: tuple[Queue, float] | None = None

    @property
    def queue(self) -> Queue:
        """The app's queue, in the first of its Redis servers that answers."""
        found = self._found
        if found is None or time.monotonic() > found[1]:
            with self._app.connection_for_read() as connection:
                queue: Queue = connection.channel().in_flight.queue
            found = self._found = queue, time.monotonic() + _REUSE
        return found[0]

    @property
    def feed(self) -> Feed:
        return Feed(InThreads(self.queue.client), self.queue.keys("journal"))

    def snapshot(self, limit: int = 0, with_history: int = 0, ids: Sequence[str] = ()) -> Snapshot:
        return self.queue.snapshot(limit, with_history, ids)

    def tasks(self) -> Iterable[str]:
        return (name for name in self._app.tasks if not name.startswith("celery."))

    def periodic(self) -> Sequence[PeriodicTask]:
        return periodic_tasks(self._app)


def dashboard(
    celery_app: Any, *, token: str = "", authenticated: bool = False, hosts: Sequence[str] = ("*",)
) -> FastAPI:
    """Return the dashboard of a Celery app; it works below any prefix.

    Args:
        celery_app: an app on this project's broker.
        token: gives access to the pages. If it is "", a new token is generated and logged.
        authenticated: True if the app that mounts the dashboard authenticates its users. Then no
            token is needed.
        hosts: the names of this server; a request to another name is refused. "*" allows all.

    Raises:
        ImproperlyConfigured: the app uses another broker.
    """
    name = str(celery_app.main or "celery")
    if not uses_this_broker(celery_app.conf):
        raise ImproperlyConfigured(
            f"The broker_url of the app {name} does not begin with claims+. Import your own app"
            " first, or pass it: dashboard(your_app)."
        )
    if not (token or authenticated):
        token = secrets.token_urlsafe(16)
        log.warning("Open the dashboard of %s with its token: …/jobs?token=%s", name, token)
    app = FastAPI(title=f"The jobs of {name}", docs_url=None, redoc_url=None)
    chosen = celery_app.conf.broker_transport_options
    pages = Pages(lease=chosen.get("lease_seconds", DEFAULTS.lease_seconds))
    pages.title = name
    app.add_api_route("/", _to_the_jobs, include_in_schema=False)
    app.add_api_route("/metrics", _metrics, response_class=PlainTextResponse)
    # cookies ignore the port: each dashboard of a machine needs its own cookie name
    cookie = f"claims_{hashlib.sha256(token.encode()).hexdigest()[:12]}"
    guard = partial(PageGuard, token=token, cookie=cookie, authenticated=authenticated)
    add_dashboard(app, CeleryHost(celery_app), pages, guard, hosts)
    return app


def add_dashboard(
    app: FastAPI, host: Host, pages: Pages, guard: MakeGuard, hosts: Sequence[str]
) -> None:
    """Add the pages and the API about jobs to an app, and protect all its routes with the guard.

    Args:
        hosts: the names of this server; a request to another name is refused. "*" allows all.
    """
    app.state.host, app.state.pages = host, pages
    # include admin_actions before job_pages, whose route /jobs/{state} also matches /jobs/confirm
    for part in (admin_actions, job_pages, jobs_api):
        app.include_router(part.router)
    serve_files(app, __package__ or "")
    errors.add_handlers(app)
    app.add_middleware(guard)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[*hosts], www_redirect=False)


def _metrics(queue: QueueDep) -> Response:
    """Return the metrics for Prometheus."""
    seen = queue.snapshot(limit=1, with_history=1)
    return Response(exposition(metrics_of(seen)), media_type=CONTENT_TYPE)


async def _to_the_jobs() -> Response:
    return RedirectResponse("jobs", 303)

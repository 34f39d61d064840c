"""Health and metrics of the web app, and the link to the inbox."""

import sqlite3
from collections.abc import Iterator
from urllib.parse import urlencode

import redis
from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from starlette.requests import Request

from demo_app.broker.exposition import CONTENT_TYPE, Metric, exposition, metrics_of
from demo_app.broker.web.errors import DomainError, error_response
from demo_app.settings import settings
from demo_app.shared.headers import link_to_app
from demo_app.web.dependencies import Services, ServicesDep

router = APIRouter(tags=["operations"])


@router.get("/healthz")
def healthz(services: ServicesDep) -> dict[str, object]:
    """Return 200 if the database works. Then comments are accepted, even while Redis is down.

    `outbox` is the number of jobs that are not handed over to the queue yet. `trouble` is the
    reason why jobs can't be handed over, or "".
    """
    relay = services.comments.relay
    try:
        return {"ok": True, "outbox": relay.size(), "trouble": relay.trouble}
    except sqlite3.Error as error:
        raise DomainError(503, "database", reason=error) from None


def no_database(request: Request, error: Exception) -> Response:
    problem = DomainError(503, "database", {"retry-after": "10"}, reason=str(error))
    return error_response(request, problem)


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(services: ServicesDep) -> Response:
    """Return the metrics in Prometheus' format.

    If Redis does not answer, only `demo_outbox_jobs` and `demo_redis_up` are returned.
    """
    return Response(exposition(_metrics(services)), media_type=CONTENT_TYPE)


def _metrics(services: Services) -> Iterator[Metric]:
    yield "demo_outbox_jobs", "", {"": services.comments.relay.size()}
    try:
        seen = services.snapshot(1, 1)
    except (redis.ConnectionError, redis.TimeoutError):
        yield "demo_redis_up", "", {"": 0}
        return
    if services.comments.backend.capabilities.in_redis:
        yield "demo_redis_up", "", {"": 1}
    yield from metrics_of(seen)


@router.get("/inbox", include_in_schema=False)
def inbox(request: Request, services: ServicesDep, job: str = "") -> Response:
    """Redirect to the inbox, or to the mail of a job."""
    mail = services.inbox.mail_id(job) if job else None
    chosen = settings()
    query = {"token": chosen.token, **({"mail": mail} if mail else {})}
    address = link_to_app(request.headers, chosen.inbox_url) or "./"
    return RedirectResponse(f"{address}?{urlencode(query)}", 303)

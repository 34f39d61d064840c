"""For those who run it: whether it works, and its numbers for Prometheus."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import redis
from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from pydantic import BaseModel
from starlette.requests import Request

from demo_app.settings import settings
from demo_app.web import snapshot
from demo_app.web.dependencies import Services, ServicesDep
from demo_app.web.errors import DomainError, responses
from local_smtp.web.guard import beside

if TYPE_CHECKING:
    from prometheus_client.core import Metric

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    """outbox: jobs that the queue does not have yet. trouble: why, if there is a reason."""

    ok: bool
    outbox: int
    trouble: str


@router.get("/healthz", responses=responses(503))
def healthz(services: ServicesDep) -> Health:
    """200 while comments can be taken; Redis may be away, the outbox keeps their jobs."""
    relay = services.comments.relay
    try:
        return Health(ok=True, outbox=relay.size(), trouble=relay.trouble)
    except sqlite3.Error as error:
        raise DomainError(503, "database", reason=error) from None


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(services: ServicesDep) -> Response:
    """The numbers, by Prometheus' naming conventions; without Redis, those that are left."""
    from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest  # only when asked for

    numbers = generate_latest(_Numbers(services))
    return Response(numbers, media_type=CONTENT_TYPE_PLAIN_0_0_4)


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Every number, asked for at the moment at which Prometheus does."""

    services: Services

    def collect(self) -> Iterator[Metric]:
        """The numbers."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        def by(label: str, name: str, text: str, values: Mapping[str, float]) -> Metric:
            metric = GaugeMetricFamily(name, text, labels=[label])
            for of, value in values.items():
                metric.add_metric([of], value)
            return metric

        comments, queue = self.services.comments, self.services.queue
        outbox = comments.relay.size()
        yield GaugeMetricFamily("demo_outbox_jobs", "Jobs that the queue does not have.", outbox)
        try:
            seen = snapshot.take(queue, comments.backend, 1, 1)
        except (redis.ConnectionError, redis.TimeoutError):
            yield GaugeMetricFamily("demo_redis_up", "Whether Redis answers.", 0)
            return
        if seen.moment is not None:
            yield GaugeMetricFamily("demo_redis_up", "Whether Redis answers.", 1)
            waited = {one.name: one.latency for one in seen.moment.queues()}
            text = "How long the next job of a queue has waited."
            yield by("queue", "demo_queue_latency_seconds", text, waited)
        states = {state: seen.count[state] for state in snapshot.STATES}
        yield by("state", "demo_jobs", "Jobs in each state.", states)
        yield CounterMetricFamily("demo_jobs_enqueued", "Jobs ever put in.", seen.count["enqueued"])
        yield CounterMetricFamily("demo_jobs_late", "Acknowledgements that came late.", seen.late)
        conserved = float(seen.conserved)
        yield GaugeMetricFamily("demo_jobs_conserved", "Whether all are in a state.", conserved)
        alive = {"yes": seen.alive, "no": len(seen.workers) - seen.alive}
        yield by("alive", "demo_workers", "Workers, alive or not.", alive)


@router.get("/inbox", include_in_schema=False)
def inbox(request: Request, services: ServicesDep, job: str = "") -> Response:
    """Lead to the inbox, to the mail of a job if one is named."""
    mail = services.inbox.mail_id(job) if job else None
    chosen = settings()
    query = {"token": chosen.token, **({"mail": mail} if mail else {})}
    address = beside(request.headers, chosen.inbox_url) or "./"
    return RedirectResponse(f"{address}?{urlencode(query)}", 303)

"""For whoever runs it: whether it works, and its numbers for Prometheus."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import redis
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from pydantic import BaseModel

from demo_app.settings import settings
from demo_app.web import snapshot
from demo_app.web.blog_pages import Sorry
from demo_app.web.desk import Desk
from demo_app.web.inbox import Inbox

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    """outbox: jobs that the queue does not have yet. trouble: why, if there is a reason."""

    ok: bool
    outbox: int
    trouble: str


#: Prometheus' text format, version 0.0.4.
_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/healthz", responses={503: {"model": Sorry}})
def healthz(request: Request) -> Health:
    """200 while comments can be taken; Redis may be away, the outbox keeps their jobs."""
    desk: Desk = request.app.state.desk
    try:
        waiting = desk.relay.size()
    except sqlite3.Error as error:
        raise HTTPException(503, f"The blog's database does not answer: {error}") from None
    return Health(ok=True, outbox=waiting, trouble=desk.relay.trouble)


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request) -> Response:
    """The numbers, by Prometheus' naming conventions; without Redis, those that are left."""
    desk: Desk = request.app.state.desk
    lines = list(_gauge("demo_outbox_jobs", "Jobs that the queue does not have yet.",
                        {"": desk.relay.size()}))  # fmt: skip
    try:
        seen = snapshot.take(request.app.state.store, desk.backend)
    except (redis.ConnectionError, redis.TimeoutError):
        lines += _gauge("demo_redis_up", "Whether Redis answers.", {"": 0})
        return PlainTextResponse("\n".join(lines) + "\n", media_type=_TYPE)
    if request.app.state.store is not None:
        lines += _gauge("demo_redis_up", "Whether Redis answers.", {"": 1})
    states = {f'{{state="{state}"}}': seen.count[state] for state in snapshot.STATES}
    lines += _gauge("demo_jobs", "Jobs in each state.", states)
    lines += _counter("demo_jobs_enqueued_total", "Jobs ever put in.", seen.count["enqueued"])
    lines += _counter("demo_jobs_late_total", "Acknowledgements that came too late.", seen.late)
    lines += _gauge("demo_jobs_conserved", "Whether every job is in one state.",
                    {"": int(seen.conserved)})  # fmt: skip
    alive = {'{alive="yes"}': seen.alive, '{alive="no"}': len(seen.workers) - seen.alive}
    lines += _gauge("demo_workers", "Workers, by whether they live.", alive)
    return PlainTextResponse("\n".join(lines) + "\n", media_type=_TYPE)


@router.get("/inbox", include_in_schema=False)
def inbox(request: Request, job: str = "") -> Response:
    """Lead to the inbox, to the mail of a job if one is named."""
    here: Inbox = request.app.state.inbox
    mail = here.mail_id(job) if job else None
    place = f"#/mail/{mail}" if mail is not None else ""
    return RedirectResponse(_inbox_url(request) + place, 303)


def _inbox_url(request: Request) -> str:
    """The inbox as the browser reaches it.

    Behind jupyter-server-proxy the sink's own address means nothing to a browser; there it stands
    beside this app, and the proxy says under which path this app does.
    """
    chosen = settings()
    here = request.headers.get("x-proxycontextpath", "").rstrip("/")
    if here:  # a relative way: the proxy would put its own path before an absolute one
        name, port = here.rpartition("/")[2], chosen.inbox_url.rpartition(":")[2]
        return f"../{port}/" if name.isdigit() else "../demo-inbox/"
    return f"{chosen.inbox_url}/?token={chosen.token}"


def _gauge(name: str, what: str, values: dict[str, int]) -> Iterator[str]:
    yield f"# HELP {name} {what}"
    yield f"# TYPE {name} gauge"
    for labels, value in values.items():
        yield f"{name}{labels} {value}"


def _counter(name: str, what: str, value: int) -> Iterator[str]:
    yield f"# HELP {name} {what}"
    yield f"# TYPE {name} counter"
    yield f"{name} {value}"

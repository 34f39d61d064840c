"""Every change of state as it happens, as server-sent events.

Source: the HTML standard, "Server-sent events". The journal in Redis is the only source, so every
web process tells the same story; a browser that lost the connection goes on after the last event
that it has seen.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Any

import redis.asyncio
from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse

from demo_app.broker.connection import client_url
from demo_app.settings import settings
from demo_app.web.dependencies import ServicesDep
from demo_app.web.journal import as_json

router = APIRouter(prefix="/api", tags=["jobs"])
_ID = re.compile(r"\d{1,15}-\d{1,15}")


@router.get("/events", responses={200: {"content": {"text/event-stream": {}}}})
async def events(
    services: ServicesDep,
    last_event_id: str = "$",
    seen_last: Annotated[str, Header(alias="last-event-id")] = "",
) -> StreamingResponse:
    """Every change of state as it happens; an event `tick` each second when nothing happens.

    While Redis can't be reached, an event `trouble` each second.
    """
    start = seen_last or last_event_id
    stream = _journal(start if _ID.fullmatch(start) else "$") if services.queue else _ticks()
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


async def _journal(last: str) -> AsyncIterator[str]:
    client = redis.asyncio.Redis.from_url(client_url(settings().redis_url), decode_responses=True)
    try:
        with suppress(redis.RedisError):
            last = await _fixed(client, last)
        yield "retry: 1000\n\nevent: tick\ndata: \n\n"  # who has read this misses nothing
        while True:
            try:
                last = await _fixed(client, last)
                answer: Any = await client.xread({"journal": last}, count=500, block=1000)
            except redis.RedisError:
                if last == "$":  # then from this moment on, by our own clock
                    last = f"{time.time() * 1000:.0f}-0"
                yield "event: trouble\ndata: Redis can't be reached\n\n"
                await asyncio.sleep(1.0)
                continue
            if not answer:
                yield "event: tick\ndata: \n\n"
            for _, entries in answer:
                for last, fields in entries:
                    yield f"id: {last}\ndata: {json.dumps(as_json(last, fields))}\n\n"
    finally:
        await client.aclose()


async def _fixed(client: Any, last: str) -> str:
    """A fixed place for "$", so that nothing is missed between two reads."""
    if last != "$":
        return last
    newest = await client.xrevrange("journal", count=1)
    return newest[0][0] if newest else "0-0"


async def _ticks() -> AsyncIterator[str]:
    yield "retry: 1000\n\n"
    while True:
        yield "event: tick\ndata: \n\n"
        await asyncio.sleep(1.0)

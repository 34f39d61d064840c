"""Every change of state as it happens, as server-sent events.

Source: the HTML standard, "Server-sent events". The journal in Redis is the only source, so every
web process tells the same story; a browser that lost the connection goes on after the last event
that it has seen.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse

from demo_app.web.dependencies import ServicesDep
from demo_app.web.errors import DomainError, responses

router = APIRouter(prefix="/api", tags=["jobs"])
_ID = re.compile(r"\d{1,15}-\d{1,15}")
_STREAM: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {}}}}


@router.get("/events", responses=_STREAM | responses(503))
async def events(
    services: ServicesDep,
    last_event_id: str = "",
    seen_last: Annotated[str, Header(alias="last-event-id")] = "",
) -> StreamingResponse:
    """Every change of state as it happens; an event `tick` each second when nothing happens.

    While Redis can't be reached, an event `trouble` each second.
    """
    if services.feed.full:
        raise DomainError(503, "listeners", {"retry-after": "10"})
    start = seen_last or last_event_id
    stream = services.feed.listen(start if _ID.fullmatch(start) else "")
    headers = {"x-accel-buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

"""The stream of events."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from local_smtp.incidents import Incident
from local_smtp.store.reader import Reader
from local_smtp.store.rows import Receipt
from local_smtp.web.events import Event, Events
from local_smtp.web.models import MessageModel, incident_model


def router(events: Events, reader: Reader) -> APIRouter:
    """Return the route /api/events."""
    routes = APIRouter()

    @routes.get("/api/events", response_class=StreamingResponse)
    async def stream() -> StreamingResponse:
        """Send `mail` and `fault` events as they happen, and `changed` for everything else."""
        return StreamingResponse(
            _lines(events, reader),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )

    return routes


async def _lines(events: Events, reader: Reader) -> AsyncIterator[str]:
    yield ": here\n\n"
    async with aclosing(events.listen()) as listening:
        async for event in listening:
            if event is None:
                yield ": still here\n\n"
            else:
                yield await asyncio.to_thread(_as_text, event, reader)


def _as_text(event: Event, reader: Reader) -> str:
    if isinstance(event, str):
        return _message("changed", json.dumps({"what": event}))
    if isinstance(event, Incident):
        return _message("fault", incident_model(event).model_dump_json(by_alias=True))
    mails = reader.mails([receipt.message for receipt in event])
    return "".join(
        _mail(MessageModel.model_validate(mails[receipt.message]), receipt)
        for receipt in event
        if receipt.message in mails  # it may be deleted by now
    )


def _mail(mail: MessageModel, receipt: Receipt) -> str:
    data = mail.model_dump(by_alias=True, mode="json") | {"duplicate": receipt.duplicate}
    return _message("mail", json.dumps(data))


def _message(name: str, data: str) -> str:
    return f"event: {name}\ndata: {data}\n\n"

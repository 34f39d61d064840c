"""The HTTP API of the inbox: its mails, its fault rules, and its events."""

import re
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Body, Path, Query, Response
from starlette.responses import StreamingResponse

from local_smtp import mail_html
from local_smtp.bounds import RULES
from local_smtp.fault_rules import Fault
from local_smtp.models import MailPage, ParsedMail, Stats
from local_smtp.web.inbox import Inbox

MessageId = Annotated[int, Path(ge=1, le=2**62)]
OptionalId = Annotated[int | None, Query(ge=1, le=2**62)]
Search = Annotated[str, Query(max_length=500)]

_NO_FRAME = {"Content-Security-Policy": "sandbox; default-src 'none'"}


def api_routes(inbox: Inbox) -> APIRouter:
    routes = APIRouter(prefix="/api")
    faults, events = inbox.faults, inbox.events
    message_path = "/messages/{message}"

    @routes.get("/stats")
    def stats() -> Stats:
        """Return the numbers of mails."""
        return inbox.stats()

    @routes.get("/messages")
    def messages(
        search: Search = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        cursor: OptionalId = None,
    ) -> MailPage:
        """List mails, newest first. For the next page, pass `next` as `cursor`."""
        return inbox.reader.page(search, limit, cursor)

    @routes.delete("/messages")
    def delete_all() -> dict[str, int]:
        """Empty the inbox, and set its counters to zero."""
        return {"deleted": inbox.delete_all()}

    @routes.get(message_path)
    def message(message: MessageId) -> ParsedMail:
        """Return a mail with its parsed contents and its latest deliveries."""
        return inbox.mail(message)

    @routes.get(message_path + "/raw", response_class=Response)
    def raw(message: MessageId) -> Response:
        """Return the bytes of a mail as they were received, without dot-stuffing."""
        headers = _NO_FRAME | _download(f"mail-{message}.eml")
        return Response(inbox.raw(message), media_type="message/rfc822", headers=headers)

    @routes.get(message_path + "/html", response_class=Response)
    def html(message: MessageId) -> Response:
        """Return the HTML of a mail for a frame in which nothing can run or connect."""
        headers = {"Content-Security-Policy": mail_html.POLICY}
        return Response(inbox.html(message), media_type="text/html; charset=utf-8", headers=headers)

    @routes.get(message_path + "/parts/{part}", response_class=Response)
    def part(message: MessageId, part: Annotated[int, Path(ge=0, le=100_000)]) -> Response:
        """Return the decoded bytes of a part as a download."""
        name, content = inbox.part(message, part)
        headers = _NO_FRAME | _download(name)
        # with the part's own content type, a browser might run the part
        return Response(content, media_type="application/octet-stream", headers=headers)

    @routes.get("/faults")
    def in_force() -> list[Fault]:
        """List the fault rules in force, with their numbers of hits."""
        return faults.in_force()

    @routes.put("/faults")
    def put(rules: Annotated[list[Fault], Body(max_length=RULES)]) -> list[Fault]:
        """Replace all fault rules by these."""
        now = faults.put(rules)
        events.publish("faults")
        return now

    @routes.delete("/faults")
    def clear() -> list[Fault]:
        """Delete all fault rules."""
        return put([])

    @routes.get("/events", response_class=StreamingResponse)
    async def stream() -> StreamingResponse:
        """Stream `mail` and `fault` events, and a `changed` event for any other change."""
        return StreamingResponse(
            events.stream(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
        )

    return routes


def _download(name: str) -> dict[str, str]:
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name)[:100]
    encoded = quote(name[:100], safe="")
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"
    return {"Content-Disposition": disposition}

"""The API of the inbox: its mails, its faults, and what happens."""

import json
import re
import sqlite3
from collections import deque
from dataclasses import asdict, dataclass
from functools import partial
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Body, HTTPException, Path, Query, Response
from starlette.responses import StreamingResponse

from local_smtp import mail_html
from local_smtp.fault_rules import EFFECTS, STEPS, FaultInForce, FaultToPut
from local_smtp.faults import Faults
from local_smtp.models import Deleted, Incident, Mail, MailPage, ParsedMail, Stats, Unread
from local_smtp.sandbox import Sandbox, TooCostly
from local_smtp.store import statements
from local_smtp.store.indexer import Indexer
from local_smtp.store.reader import Reader
from local_smtp.store.writer import Writer
from local_smtp.web.events import Events

T = TypeVar("T")

MessageId = Annotated[int, Path(ge=1, le=2**62)]

_NO_FRAME = {"Content-Security-Policy": "sandbox; default-src 'none'"}
_RULES = 100
_SEARCH_WAITS = 2.0  # seconds for the index
_TOO_COSTLY = "It would take too much time or memory to take this mail apart; its source has all."


@dataclass(frozen=True, slots=True)
class Inbox:
    """What the inbox shows and changes."""

    reader: Reader
    writer: Writer
    indexer: Indexer
    viewer: Sandbox
    faults: Faults
    incidents: deque[Incident]
    events: Events


def mail_routes(inbox: Inbox) -> APIRouter:
    """Return the routes under /api/stats and /api/messages."""
    routes = APIRouter()
    reader, writer = inbox.reader, inbox.writer

    def raw_of(message: int) -> bytes:
        return _found(reader.raw(message))

    @routes.get("/api/stats")
    def stats() -> Stats:
        """Count the mails."""
        writer.catch_up()
        return reader.stats()

    @routes.get("/api/messages")
    def messages(
        search: Annotated[str, Query(max_length=500)] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$")] = None,
    ) -> MailPage:
        """List mails, newest first; pass `next` as `cursor` for those that follow."""
        if search:
            inbox.indexer.catch_up(_SEARCH_WAITS)
        try:
            return reader.page(search, limit, None if cursor is None else int(cursor))
        except sqlite3.OperationalError as error:
            raise HTTPException(422, f"That can't be searched for: {error}") from None

    @routes.delete("/api/messages")
    def delete_all() -> Deleted:
        """Empty the inbox, and set its counters to zero."""
        deleted = writer.change(statements.delete_all).result()
        inbox.events.publish("deleted")
        return Deleted(deleted=deleted)

    @routes.get("/api/messages/{message}")
    def message(message: MessageId) -> ParsedMail:
        """Take a mail apart."""
        writer.catch_up()
        mail: Mail = _found(reader.mails([message]).get(message))
        parts: dict[str, Any]
        try:
            parts = json.loads(inbox.viewer.ask("view", raw_of(message)))
        except TooCostly:
            parts = {"note": _TOO_COSTLY}
        return ParsedMail(**dict(mail), **parts, delivery_log=reader.deliveries(message))

    @routes.delete("/api/messages/{message}")
    def delete(message: MessageId) -> Deleted:
        """Delete a mail; its Message-ID is forgotten, too."""
        if not writer.change(partial(statements.delete, message=message)).result():
            _found(None)
        inbox.events.publish("deleted")
        return Deleted(deleted=1)

    @routes.put("/api/messages/{message}/unread")
    def set_unread(message: MessageId, wanted: Unread) -> Unread:
        """Mark a mail as read or unread."""
        change = partial(statements.set_unread, message=message, unread=wanted.unread)
        if not writer.change(change).result():
            _found(None)
        inbox.events.publish("marked")
        return wanted

    @routes.get("/api/messages/{message}/raw", response_class=Response)
    def raw(message: MessageId) -> Response:
        """Return the bytes as they were received, the doubled dots undone."""
        return Response(
            raw_of(message),
            media_type="message/rfc822",
            headers=_NO_FRAME | _download(f"mail-{message}.eml"),
        )

    @routes.get("/api/messages/{message}/html", response_class=Response)
    def html(message: MessageId) -> Response:
        """Return the HTML of a mail for a frame in which nothing can run or call out."""
        try:
            page = inbox.viewer.ask("html", raw_of(message))
        except TooCostly:
            page = (mail_html.HEAD + _TOO_COSTLY).encode()
        return Response(
            page,
            media_type="text/html; charset=utf-8",
            headers={"Content-Security-Policy": mail_html.POLICY},
        )

    @routes.get("/api/messages/{message}/parts/{part}", response_class=Response)
    def part(message: MessageId, part: Annotated[int, Path(ge=0, le=100_000)]) -> Response:
        """Download a part."""
        try:
            answer = inbox.viewer.ask("part", raw_of(message), part)
        except TooCostly:
            raise HTTPException(422, _TOO_COSTLY) from None
        description, _, content = _found(answer or None).partition(b"\n")
        return Response(
            content,
            media_type="application/octet-stream",  # never what the mail claims
            headers=_NO_FRAME | _download(json.loads(description)["name"]),
        )

    return routes


def fault_routes(inbox: Inbox) -> APIRouter:
    """Return the routes of the faults, and of what they and the limits turned away."""
    routes = APIRouter()
    faults, events = inbox.faults, inbox.events

    @routes.get("/api/faults")
    def in_force() -> list[FaultInForce]:
        """List the rules in force, with their hits."""
        return faults.in_force()

    @routes.put("/api/faults")
    def put(rules: Annotated[list[FaultToPut], Body(max_length=_RULES)]) -> list[FaultInForce]:
        """Put these rules in force instead of all others. Of those that match, the first wins."""
        in_force = faults.put(rules)
        events.publish("faults")
        return in_force

    @routes.delete("/api/faults")
    def clear() -> list[FaultInForce]:
        """Take all rules out of force."""
        faults.clear()
        events.publish("faults")
        return []

    @routes.get("/api/faults/kinds")
    def kinds() -> dict[str, dict[str, dict[str, Any]]]:
        """List what a rule may do, and at which steps."""
        effects = {
            name: {
                "label": effect.label,
                "words": effect.words or effect.label,
                "uses": effect.uses,
                "whole_mail": effect.whole_mail,
            }
            for name, effect in EFFECTS.items()
        }
        return {"steps": {name: asdict(step) for name, step in STEPS.items()}, "effects": effects}

    @routes.get("/api/incidents")
    def latest() -> list[Incident]:
        """List the latest refusals and faults played, newest first, with their dialogue."""
        return list(inbox.incidents)[::-1]

    @routes.get("/api/events", response_class=StreamingResponse)
    async def stream() -> StreamingResponse:
        """Send `mail` and `fault` events as they happen, and `changed` for everything else."""
        return StreamingResponse(
            events.stream(),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )

    return routes


def _found(value: T | None) -> T:
    if value is None:
        raise HTTPException(404, "There is no such mail, or no such part of it.")
    return value


def _download(name: str) -> dict[str, str]:
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name)[:100]
    encoded = quote(name[:100], safe="")
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"
    return {"Content-Disposition": disposition}

"""The API of the mails."""

import re
import sqlite3
from dataclasses import asdict
from functools import partial
from typing import Annotated, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Path, Query, Response

from local_smtp.parts import part_content, take_apart
from local_smtp.settings import Settings
from local_smtp.store import rows
from local_smtp.store.index import index_some
from local_smtp.store.reader import Reader, StoredDelivery, StoredMail
from local_smtp.store.writer import Writer
from local_smtp.web import mail_html
from local_smtp.web.events import Events
from local_smtp.web.models import (
    AttachmentModel,
    DeletedModel,
    DeliveryModel,
    LineModel,
    MessageModel,
    MessagesModel,
    ParsedMessageModel,
    StatsModel,
    UnreadModel,
)

T = TypeVar("T")

MessageId = Annotated[int, Path(ge=1, le=2**62)]

_NO_FRAME = {"Content-Security-Policy": "sandbox; default-src 'none'"}


def router(reader: Reader, writer: Writer, events: Events, settings: Settings) -> APIRouter:
    """Return the routes under /api/stats and /api/messages."""
    routes = APIRouter()

    @routes.get("/api/stats")
    def stats() -> StatsModel:
        """Count the mails."""
        writer.catch_up()
        return StatsModel.model_validate(reader.stats())

    @routes.get("/api/messages")
    def messages(
        search: Annotated[str, Query(max_length=500)] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$")] = None,
    ) -> MessagesModel:
        """List mails, newest first; pass `next` as `cursor` for those that follow."""
        if search:
            while writer.change(index_some).result():
                pass
        try:
            page = reader.page(search, limit, None if cursor is None else int(cursor))
        except sqlite3.OperationalError as error:
            raise HTTPException(422, f"That can't be searched for: {error}") from None
        return MessagesModel(
            total=page.total,
            unread=reader.unread(),
            messages=[MessageModel.model_validate(mail) for mail in page.mails],
            next=None if page.next is None else str(page.next),
        )

    @routes.delete("/api/messages")
    def delete_all() -> DeletedModel:
        """Empty the inbox, and set its counters to nought."""
        deleted = writer.change(rows.delete_all).result()
        events.publish("deleted")
        return DeletedModel(deleted=deleted)

    @routes.get("/api/messages/{message}")
    def message(message: MessageId) -> ParsedMessageModel:
        """Take a mail apart."""
        writer.catch_up()
        return _parsed(
            _found(reader.mails([message]).get(message)),
            _found(reader.raw(message)),
            reader.deliveries(message),
            settings.job_url,
        )

    @routes.delete("/api/messages/{message}")
    def delete(message: MessageId) -> DeletedModel:
        """Delete a mail; its Message-ID is forgotten, too."""
        if not writer.change(partial(rows.delete, message=message)).result():
            _found(None)
        events.publish("deleted")
        return DeletedModel(deleted=1)

    @routes.put("/api/messages/{message}/unread")
    def set_unread(message: MessageId, wanted: UnreadModel) -> UnreadModel:
        """Mark a mail as read or unread."""
        change = partial(rows.set_unread, message=message, unread=wanted.unread)
        if not writer.change(change).result():
            _found(None)
        events.publish("marked")
        return wanted

    @routes.get("/api/messages/{message}/raw", response_class=Response)
    def raw(message: MessageId) -> Response:
        """Return the bytes as they were received, the doubled dots undone."""
        return Response(
            _found(reader.raw(message)),
            media_type="message/rfc822",
            headers=_NO_FRAME | _download(f"mail-{message}.eml"),
        )

    @routes.get("/api/messages/{message}/html", response_class=Response)
    def html(message: MessageId) -> Response:
        """Return the HTML of a mail for a frame in which nothing can run or call out."""
        content = _found(reader.raw(message))
        return Response(
            mail_html.harmless(content),
            media_type="text/html; charset=utf-8",
            headers={"Content-Security-Policy": mail_html.POLICY},
        )

    @routes.get("/api/messages/{message}/parts/{part}", response_class=Response)
    def part(message: MessageId, part: Annotated[int, Path(ge=0, le=100_000)]) -> Response:
        """Download a part."""
        attachment, content = _found(part_content(_found(reader.raw(message)), part))
        return Response(
            content,
            media_type="application/octet-stream",  # never what the mail claims
            headers=_NO_FRAME | _download(attachment.name),
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


def _parsed(
    mail: StoredMail, raw: bytes, deliveries: list[StoredDelivery], job_url: str | None
) -> ParsedMessageModel:
    parts = take_apart(raw)
    link = None
    if job_url is not None and mail.job_id:
        link = job_url.replace("{id}", quote(mail.job_id, safe=""))
    return ParsedMessageModel(
        **asdict(mail),
        job_url=link,
        headers=parts.headers,
        text=parts.text,
        has_html=parts.html is not None,
        remote_images=mail_html.count_remote_images(parts.html or ""),
        links=mail_html.links(parts.html or ""),
        attachments=[AttachmentModel.model_validate(item) for item in parts.attachments],
        note=parts.note,
        delivery_log=[
            _delivery(delivery, suppressed=index > 0) for index, delivery in enumerate(deliveries)
        ],
    )


def _delivery(delivery: StoredDelivery, suppressed: bool) -> DeliveryModel:
    lines = [LineModel(at=at, who=who, text=text) for at, who, text in delivery.dialogue]
    if delivery.replied_at is not None and delivery.reply is not None:
        lines.append(LineModel(at=delivery.replied_at, who="S", text=delivery.reply))
    return DeliveryModel(
        received_at=delivery.received_at,
        replied_at=delivery.replied_at,
        reply=delivery.reply,
        suppressed=suppressed,
        same_bytes=delivery.same_bytes,
        sender=delivery.sender,
        recipients=delivery.recipients,
        peer=delivery.peer,
        size=delivery.size,
        fault=delivery.rule,
        dialogue=lines,
    )

"""The JSON of the API."""

import json
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from local_smtp.incidents import Incident


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


Time = Annotated[float, PlainSerializer(_iso, return_type=str)]
"""Unix seconds inside, ISO 8601 in UTC outside."""


class _Model(BaseModel):
    model_config = ConfigDict(
        populate_by_name=True, from_attributes=True, ser_json_inf_nan="strings"
    )


class StatsModel(_Model):
    """`accepted` = `distinct` + `duplicates`; `refused` mails are none of these."""

    accepted: int
    distinct: int
    duplicates: int
    refused: int


class MessageModel(_Model):
    """A mail in the list. `from` and `to` are the envelope's, `author` is the From header."""

    id: int
    message_id: str | None
    sender: Annotated[str, Field(alias="from")]
    recipients: Annotated[list[str], Field(alias="to")]
    subject: str
    author: str
    job_id: str | None
    received_at: Time
    deliveries: int
    size: int
    unread: bool


class MessagesModel(_Model):
    """A page of the list; `next` is the cursor of the one that follows."""

    total: int
    unread: int
    messages: list[MessageModel]
    next: str | None


class LineModel(_Model):
    """A line of a dialogue, said by the client (C), the server (S), or nobody (#)."""

    at: Time
    who: str
    text: str


class DeliveryModel(_Model):
    """One time that the mail was brought. `replied_at` is null when no reply went out."""

    received_at: Time
    replied_at: Time | None
    reply: str | None
    suppressed: bool
    same_bytes: bool
    sender: Annotated[str, Field(alias="from")]
    recipients: Annotated[list[str], Field(alias="to")]
    peer: str
    size: int
    fault: str | None
    dialogue: list[LineModel]


class AttachmentModel(_Model):
    """A part to be fetched at `parts/{part}` below the mail."""

    part: int
    name: str
    content_type: str
    content_id: str | None
    size: int


class ParsedMessageModel(MessageModel):
    """A mail, taken apart. `note` says what is missing from it here, and why."""

    job_url: str | None
    headers: list[tuple[str, str]]
    text: str | None
    has_html: bool
    remote_images: int
    links: list[str]
    attachments: list[AttachmentModel]
    note: str | None
    delivery_log: list[DeliveryModel]


class IncidentModel(_Model):
    """A refusal, or a fault that was played. `message` is the mail that was stored all the same."""

    at: Time
    step: str
    sender: Annotated[str, Field(alias="from")]
    recipients: Annotated[list[str], Field(alias="to")]
    subject: str
    peer: str
    reply: str | None
    rule_id: int | None
    fault: str | None
    message: int | None
    dialogue: list[LineModel]


class DeletedModel(_Model):
    """How many mails are gone."""

    deleted: int


class UnreadModel(_Model):
    """Whether a mail counts as unread."""

    unread: bool


def incident_model(incident: Incident) -> IncidentModel:
    """Return an incident as the API shows it."""
    return IncidentModel(
        at=incident.at,
        step=incident.step,
        sender=incident.sender,
        recipients=list(incident.recipients),
        subject=incident.subject,
        peer=incident.peer,
        reply=incident.reply,
        rule_id=None if incident.hit is None else incident.hit.id,
        fault=None if incident.hit is None else incident.hit.in_words(),
        message=incident.message,
        dialogue=[
            LineModel(at=at, who=who, text=text) for at, who, text in json.loads(incident.dialogue)
        ],
    )

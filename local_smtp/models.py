"""The models of mails for the store and the API."""

from datetime import UTC, datetime
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from local_smtp.fault_rules import Step


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


#: Seconds since the epoch in Python, ISO 8601 in UTC in JSON.
Time = Annotated[float, PlainSerializer(_iso, return_type=str)]


class DialogueLine(NamedTuple):
    """A line of an SMTP dialogue. `who` is C (the client), S (the server) or # (a remark)."""

    #: Unix seconds.
    at: float
    who: str
    text: str


class _Envelope(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    sender: Annotated[str, Field(alias="from")]
    recipients: Annotated[list[str], Field(alias="to")]


class Stats(BaseModel):
    """The numbers of mails. `accepted` = `distinct` + `duplicates`.

    `refused` counts each mail once, even if several of its commands were refused.
    """

    accepted: int
    distinct: int
    duplicates: int
    refused: int


class Mail(_Envelope):
    """A mail in the list. `from` and `to` come from the envelope, `author` from the From header."""

    id: int
    message_id: str | None
    subject: str
    author: str
    job_id: str | None
    received_at: Time
    deliveries: int
    #: Bytes.
    size: int


class MailPage(BaseModel):
    """A page of mails, newest first. `next` is the cursor of the next page, null on the last page.

    `total` is the number of mails on all pages.
    """

    total: int
    messages: list[Mail]
    next: str | None


class Delivery(_Envelope):
    """One delivery of a mail. `replied_at` is null if no reply was sent.

    `same_bytes` is true if the mail has the same bytes as in its first delivery.
    """

    received_at: Time
    replied_at: Time | None
    reply: str | None
    peer: str
    size: int
    same_bytes: bool
    dialogue: list[DialogueLine]


class Attachment(BaseModel):
    """A part that is not shown as the mail's text or HTML.

    The URL `parts/{part}`, below the URL of the mail, returns the part.
    """

    part: int
    name: str
    content_type: str
    size: int


class Parts(BaseModel):
    """The contents of a mail."""

    headers: list[tuple[str, str]] = []
    text: str | None = None
    has_html: bool = False
    links: list[str] = []
    attachments: list[Attachment] = []
    #: The reason why parts are missing, as a sentence; None if no part is missing.
    note: str | None = None


class ParsedMail(Mail, Parts):
    """A parsed mail with its latest deliveries."""

    delivery_log: list[Delivery]


class Incident(_Envelope):
    """A refusal, or a fault that was carried out."""

    at: Time
    step: Step
    peer: str
    subject: str
    #: The reply that refused the mail or the command; None if nothing was refused.
    reply: str | None
    #: A description of the fault rule that was applied; None if there was none.
    fault: str | None

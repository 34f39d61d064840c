"""What API and pages show of the mails and change in them."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import HTTPException

from local_smtp import mail_html, sandbox
from local_smtp.bounded import TooCostly
from local_smtp.faults import Faults
from local_smtp.models import ParsedMail, Parts
from local_smtp.store import statements
from local_smtp.store.reader import Reader
from local_smtp.store.writer import Writer
from local_smtp.web.events import Events

TOO_COSTLY = "It would take too much time or memory to take this mail apart; its source has all."
_GONE = HTTPException(404, "There is no such mail, or no such part of it.")


@dataclass(frozen=True, slots=True)
class Inbox:
    """The mails and the faults of a sink. Each call may wait, and so wants a thread."""

    reader: Reader
    writer: Writer
    faults: Faults
    events: Events

    def mail(self, message: int) -> ParsedMail:
        """A mail, taken apart."""
        self.writer.catch_up()
        mail = self.reader.mails([message]).get(message)
        if mail is None:
            raise _GONE
        try:
            parts = Parts.model_validate_json(sandbox.ask("view", self.raw(message)))
        except TooCostly:
            parts = Parts(note=TOO_COSTLY)
        return ParsedMail(**dict(mail), **dict(parts), delivery_log=self.reader.deliveries(message))

    def raw(self, message: int) -> bytes:
        """The bytes of a mail as they were received."""
        raw = self.reader.raw(message)
        if raw is None:
            raise _GONE
        return raw

    def html(self, message: int) -> bytes:
        """The HTML of a mail, made harmless."""
        try:
            return sandbox.ask("html", self.raw(message))
        except TooCostly:
            return (mail_html.HEAD + TOO_COSTLY).encode()

    def part(self, message: int, part: int) -> tuple[str, bytes]:
        """The name of a part, and what it holds."""
        try:
            answer = sandbox.ask("part", self.raw(message), part)
        except TooCostly:
            raise HTTPException(422, TOO_COSTLY) from None
        if not answer:
            raise _GONE
        name, _, content = answer.partition(b"\n")
        return name.decode(), content

    def delete_all(self) -> int:
        """Empty the inbox; return how many mails are gone."""
        deleted = self.writer.change(statements.delete_all).result()
        self.events.publish("deleted")
        return deleted

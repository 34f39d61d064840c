"""The mails for the API and the pages."""

from dataclasses import dataclass

from fastapi import HTTPException

from local_smtp import mail_html, parts
from local_smtp.faults import Faults
from local_smtp.models import ParsedMail, Parts, Stats
from local_smtp.store import statements
from local_smtp.store.reader import Reader
from local_smtp.store.writer import Writer
from local_smtp.web.events import Events

BROKEN = "This mail can't be taken apart: it is too deep or broken. Its source has all."
_GONE = HTTPException(404, "There is no such mail, or no such part of it.")


@dataclass(frozen=True, slots=True)
class Inbox:
    """The mails and the faults of a sink. Each call may block.

    A missing mail or part raises HTTPException (404).
    """

    reader: Reader
    writer: Writer
    faults: Faults
    events: Events

    def stats(self) -> Stats:
        """Return the numbers of mails, after all earlier changes are stored."""
        self.writer.catch_up()
        return self.reader.stats()

    def mail(self, message: int) -> ParsedMail:
        self.writer.catch_up()
        mail = self.reader.mails([message]).get(message)
        if mail is None:
            raise _GONE
        try:
            shown = parts.parse(self.raw(message))
        except parts.UNREADABLE:
            shown = Parts(note=BROKEN)
        return ParsedMail(**dict(mail), **dict(shown), delivery_log=self.reader.deliveries(message))

    def raw(self, message: int) -> bytes:
        raw = self.reader.raw(message)
        if raw is None:
            raise _GONE
        return raw

    def html(self, message: int) -> bytes:
        try:
            return mail_html.make_safe(parts.html(self.raw(message))).encode()
        except parts.UNREADABLE:
            return (mail_html.HEAD + BROKEN).encode()

    def part(self, message: int, part: int) -> tuple[str, bytes]:
        try:
            found = parts.part_content(self.raw(message), part)
        except parts.UNREADABLE:
            raise HTTPException(422, BROKEN) from None
        if found is None:
            raise _GONE
        return found

    def delete_all(self) -> int:
        deleted = self.writer.change(statements.delete_all).result()
        self.events.publish("deleted")
        return deleted

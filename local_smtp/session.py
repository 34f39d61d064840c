"""One SMTP connection: aiosmtpd's, without its traps, and with ears and faults."""

# ruff: noqa: N802  # aiosmtpd finds its commands by these names

import asyncio
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, AnyStr, NoReturn, Protocol, cast

from aiosmtpd.smtp import SMTP, Envelope

from local_smtp.data import CHUNK, read_mail
from local_smtp.dialogue import Dialogue
from local_smtp.fault_rules import Effect, Step
from local_smtp.faults import Faults, Hit
from local_smtp.incidents import Incident
from local_smtp.mail import readable
from local_smtp.settings import SIZE_LIMIT

_FOR_EVER = 10 * 365 * 24 * 3600.0  # seconds

_PLAIN_ADDRESS = re.compile(
    r"<([\w!#$%&'*+/=?^`{|}~-][\w!#$%&'*+/=?^`{|}~.-]*@[A-Za-z0-9.-]+)>(.*)", re.A
)


class MailTaker(Protocol):
    """What a session needs to know of the sink."""

    faults: Faults

    async def take(self, server: "SmtpSession", raw: bytes) -> None:
        """Take a mail, and answer."""

    def report(self, incident: Incident) -> None:
        """Note what went wrong."""

    def count_refusal(self) -> None:
        """Count a mail that was turned away."""


class SmtpSession(SMTP):
    """A connection with one client.

    Differs from its parent in that a line of a mail may have any length, the end of a mail
    is looked for in whole chunks instead of line by line, and a client that stops reading
    is cut off by the timeout like one that stops writing.
    """

    line_length_limit = CHUNK  # of the stream's buffer; commands have their own limit

    def __init__(self, handler: MailTaker, *, auth_required: bool, **options: Any) -> None:
        super().__init__(handler, **options)
        # Told to the parent, it warns of passwords without TLS; here they guard nothing.
        self._auth_required = auth_required
        self.dialogue = Dialogue()
        self.hits: list[Hit] = []
        """The rules that hit the mail under way."""
        self.recipient: str | None = None
        """The one that RCPT is about just now."""
        self.subject = ""
        self._handler = handler
        self._step: Step | None = None
        self._refused = False
        self._in_data = False

    def peer(self) -> str:
        """The client's address and port."""
        assert self.session is not None
        name = self.session.peer
        return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else str(name)

    def mail(self) -> Envelope:
        """The envelope of the mail under way."""
        assert self.envelope is not None
        return self.envelope

    def sender(self) -> str:
        """The sender of the mail under way; the null sender is the empty string."""
        return "" if self.mail().mail_from in (None, "<>") else str(self.mail().mail_from)

    # What is said

    def data_received(self, data: bytes) -> None:
        """Take down what the client says, as it comes off the wire."""
        if not self._in_data:
            self.dialogue.client(data)
        super().data_received(data)

    async def push(self, status: AnyStr) -> None:
        """Send a reply; note it, and that a mail was refused if it says so."""
        reply = status if isinstance(status, str) else status.decode()
        self.dialogue.server(reply)
        if self._step is not None and reply.startswith(("4", "5")):
            self._note_refusal(reply)
        await super().push(status)

    async def smtp_AUTH(self, arg: str) -> None:
        """Keep passwords out of the dialogue."""
        self.dialogue.secret = True
        try:
            await super().smtp_AUTH(arg)
        finally:
            self.dialogue.secret = False

    # The steps

    async def _handle_client(self) -> None:
        with self._at(Step.CONNECT):
            hit = await self.play(Step.CONNECT)
            if hit is not None:
                await self.push(reply_of(hit))
                self.hang_up()
        await super()._handle_client()

    async def smtp_HELO(self, hostname: str) -> None:
        """HELO, a step that can be refused."""
        with self._at(Step.EHLO):
            await super().smtp_HELO(hostname)

    async def smtp_EHLO(self, hostname: str) -> None:
        """EHLO, a step that can be refused."""
        with self._at(Step.EHLO):
            await super().smtp_EHLO(hostname)

    async def smtp_MAIL(self, arg: str | None) -> None:
        """MAIL, with which a mail begins."""
        self._refused = False
        self.hits.clear()
        self.subject = ""
        with self._at(Step.MAIL):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:
        """RCPT, a step that can be refused."""
        with self._at(Step.RCPT):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str | None) -> None:
        """DATA, the mail, and the reply to it."""
        with self._at(Step.DATA):
            await self._take_mail(arg)

    @contextmanager
    def _at(self, step: Step) -> Iterator[None]:
        self._step = step
        try:
            yield
        finally:
            self._step = None
            self.recipient = None

    async def _take_mail(self, arg: str | None) -> None:
        if await self.check_helo_needed() or await self.check_auth_needed("DATA"):
            return
        if not self.mail().rcpt_tos:
            await self.push("503 5.5.1 Error: need RCPT command")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        hit = await self.play(Step.DATA)
        if hit is not None:
            await self.push(reply_of(hit))
            return
        self._in_data = True
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        content = await read_mail(self._reader, SIZE_LIMIT)
        self._in_data = False
        self._step = Step.REPLY
        if content is None:
            self.dialogue.note("a mail that was too large")
            await self.push(f"552 5.3.4 A mail may have {SIZE_LIMIT} bytes, no more")
        else:
            self.dialogue.note(f"a mail of {len(content)} bytes")
            await self._handler.take(self, content)
        self.envelope = self._create_envelope()
        self.dialogue.begin_again()

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Take the common form of an address by the short way; the parser is slow."""
        plain = _PLAIN_ADDRESS.match(arg)
        return (plain[1], plain[2]) if plain else super()._getaddr(arg)

    # Faults

    async def play(self, step: Step) -> Hit | None:
        """Play the fault for this step; return it if what to say or store depends on it."""
        hit = self._handler.faults.hit(step, self.sender(), self._recipients(), self.subject)
        if hit is None:
            return None
        self.hits.append(hit)
        self.dialogue.note(hit.in_words())
        match hit.fault.do:
            case Effect.WAIT:
                self.note_incident(step, hit=hit)
                self._reset_timeout(hit.fault.seconds + self._timeout_duration)
                await asyncio.sleep(hit.fault.seconds)
                return None
            case Effect.CLOSE:
                self.note_incident(step, hit=hit)
                self.hang_up()
            case Effect.HANG:
                self.note_incident(step, hit=hit)
                self._reset_timeout(_FOR_EVER)
                await asyncio.Event().wait()
        return hit

    def hang_up(self) -> NoReturn:
        """Close the connection and end its task."""
        if self.transport is not None:
            self.transport.close()
        raise asyncio.CancelledError

    def _recipients(self) -> tuple[str, ...]:
        return tuple(self.mail().rcpt_tos) if self.recipient is None else (self.recipient,)

    # What went wrong

    def note_incident(
        self,
        step: Step,
        *,
        reply: str | None = None,
        hit: Hit | None = None,
        message: int | None = None,
    ) -> None:
        """Report a refusal or a fault."""
        self._handler.report(
            Incident(
                at=time.time(),
                step=step,
                peer=self.peer(),
                sender=readable(self.sender()),
                recipients=tuple(readable(recipient) for recipient in self._recipients()),
                subject=self.subject,
                reply=reply,
                hit=hit,
                message=message,
                dialogue=self.dialogue.to_json(),
            )
        )

    def _note_refusal(self, reply: str) -> None:
        assert self._step is not None
        hit = self.hits[-1] if self.hits and self.hits[-1].fault.at is self._step else None
        self.note_incident(self._step, reply=reply, hit=hit)
        if not self._refused:
            self._refused = True
            self._handler.count_refusal()

    def _timeout_cb(self) -> None:
        # close() would wait for a client that reads nothing to read the last reply.
        if self.transport is not None:
            cast(asyncio.Transport, self.transport).abort()


def reply_of(hit: Hit) -> str:
    """Return the refusal that a rule asks for."""
    return f"{hit.fault.code} {hit.fault.text}"

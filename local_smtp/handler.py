"""What the sink does with each mail that SMTP brings."""

# ruff: noqa: N802  # aiosmtpd finds its hooks by these names

import sqlite3
import time
from collections.abc import Callable
from functools import partial

from aiosmtpd.smtp import Envelope, Session

from local_smtp.fault_rules import Effect, Step
from local_smtp.faults import Faults, Hit
from local_smtp.incidents import Incident
from local_smtp.mail import Delivery, KeyHeaders, read_key_headers, readable
from local_smtp.session import SmtpSession, reply_of
from local_smtp.settings import RECIPIENT_LIMIT
from local_smtp.store import rows
from local_smtp.store.writer import Writer

OK = "250 2.0.0 OK"


class MailHandler:
    """The hooks that aiosmtpd calls, shared by all connections."""

    def __init__(self, writer: Writer, faults: Faults, report: Callable[[Incident], None]) -> None:
        self.faults = faults
        self.report = report
        self._writer = writer

    async def handle_HELO(
        self, server: SmtpSession, session: Session, envelope: Envelope, hostname: str
    ) -> str:
        """Answer HELO."""
        hit = await server.play(Step.EHLO)
        if hit is not None:
            return reply_of(hit)
        session.host_name = hostname
        return f"250 {server.hostname}"

    async def handle_EHLO(
        self,
        server: SmtpSession,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Answer EHLO."""
        hit = await server.play(Step.EHLO)
        if hit is not None:
            return [reply_of(hit)]
        session.host_name = hostname
        return responses

    async def handle_MAIL(
        self,
        server: SmtpSession,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take the sender."""
        envelope.mail_from = address
        hit = await server.play(Step.MAIL)
        if hit is not None:
            envelope.mail_from = None
            return reply_of(hit)
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self,
        server: SmtpSession,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take a recipient."""
        server.recipient = address
        if len(envelope.rcpt_tos) >= RECIPIENT_LIMIT:
            return f"552 5.5.3 A mail may have {RECIPIENT_LIMIT} recipients, no more"
        hit = await server.play(Step.RCPT)
        if hit is not None:
            return reply_of(hit)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def take(self, server: SmtpSession, raw: bytes) -> None:
        """Take the mail: store it, then answer, unless a fault wants it otherwise."""
        received_at = time.time()
        headers = read_key_headers(raw)
        server.subject = headers.subject
        hit = await server.play(Step.REPLY)
        match hit and hit.fault.do:
            case Effect.ANSWER:
                await server.push(reply_of(_sure(hit)))
                return
            case Effect.LOSE:
                server.note_incident(Step.REPLY, hit=hit)
                await server.push(OK)
                return
        try:
            receipt = await self._writer.deliver(_delivery(server, raw, headers, received_at))
        except sqlite3.Error as error:
            await server.push(f"452 4.3.1 The mail could not be stored: {error}")
            return
        if hit is not None:  # the one effect that is left: the reply is dropped
            server.note_incident(Step.REPLY, hit=hit, message=receipt.message)
            server.hang_up()
        await server.push(OK)
        self._writer.later(
            partial(rows.note_reply, delivery=receipt.delivery, at=time.time(), reply=OK)
        )

    async def handle_exception(self, error: Exception) -> str:
        """Answer what the parser choked on."""
        return f"500 5.5.2 That could not be understood ({type(error).__name__})"

    def count_refusal(self) -> None:
        """Count a mail that was turned away."""
        self._writer.change(rows.note_refusal)


def _sure(hit: Hit | None) -> Hit:
    assert hit is not None
    return hit


def _delivery(server: SmtpSession, raw: bytes, headers: KeyHeaders, received_at: float) -> Delivery:
    return Delivery(
        sender=readable(server.sender()),
        recipients=tuple(readable(recipient) for recipient in server.mail().rcpt_tos),
        raw=raw,
        headers=headers,
        peer=server.peer(),
        received_at=received_at,
        dialogue=server.dialogue.to_json(),
        rule="; ".join(hit.in_words() for hit in server.hits) or None,
    )

"""The commands of SMTP: a mail's way from MAIL to the reply that answers for it."""

# ruff: noqa: N802, N815  # aiosmtpd finds its commands and hooks by these names

import asyncio
import json
import re
import sqlite3
import time
from functools import partial
from typing import Any

from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from local_smtp.fault_rules import OK
from local_smtp.mail import Incoming, read_key_headers, readable
from local_smtp.settings import RECIPIENT_LIMIT, SIZE_LIMIT
from local_smtp.store import statements
from local_smtp.watched_session import WatchedSession

CHUNK = 64 * 1024
"""Bytes that a stream holds before its client has to wait."""

_END = b".\r\n"
_PLAIN_ADDRESS = re.compile(
    r"<([\w!#$%&'*+/=?^`{|}~-][\w!#$%&'*+/=?^`{|}~.-]*@[A-Za-z0-9.-]+)>(.*)", re.A
)


class SmtpSession(WatchedSession):
    """A connection with one client.

    Differs from aiosmtpd's in that a line of a mail may have any length, the end of a mail
    is looked for in whole chunks instead of line by line, and a client that stops reading
    is cut off by the timeout like one that stops writing.
    """

    line_length_limit = CHUNK  # of the stream's buffer; commands have their own limit

    def __init__(self, *arguments: Any, login: str | None, **options: Any) -> None:
        super().__init__(*arguments, authenticator=self._check_login, **options)
        # Told to the parent, it warns of passwords without TLS; here they guard nothing.
        self._auth_required = login is not None
        self._login = login

    async def _handle_client(self) -> None:
        with self.at("connect"):
            outcome = await self.play()
            if outcome is not None:
                await self.push(str(outcome.reply))
                self.hang_up()
        await super()._handle_client()

    async def smtp_HELO(self, hostname: str) -> None:
        """HELO, a step that can be refused."""
        with self.at("ehlo"):
            await super().smtp_HELO(hostname)

    async def smtp_EHLO(self, hostname: str) -> None:
        """EHLO, a step that can be refused."""
        with self.at("ehlo"):
            await super().smtp_EHLO(hostname)

    async def smtp_MAIL(self, arg: str | None) -> None:
        """MAIL, with which a mail begins."""
        self.refused = False
        self.hits.clear()
        self.subject = ""
        with self.at("mail"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:
        """RCPT, a step that can be refused."""
        with self.at("rcpt"):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str | None) -> None:
        """DATA, the mail, and the reply to it."""
        with self.at("data"):
            await self._take_mail(arg)

    async def _http(self, arg: str | None) -> None:
        """Hang up on a browser: the rest of its request may hold a mail that a page made."""
        await self.push("421 4.7.0 This is a mail server; that was HTTP")
        self.hang_up()

    smtp_GET = smtp_HEAD = smtp_POST = smtp_PUT = smtp_PATCH = smtp_DELETE = _http
    smtp_OPTIONS = smtp_CONNECT = smtp_TRACE = _http

    async def handle_HELO(self, _: Any, session: Session, envelope: Envelope, hostname: str) -> str:
        """Answer HELO."""
        session.host_name = hostname
        outcome = await self.play()
        return f"250 {self.hostname}" if outcome is None else str(outcome.reply)

    async def handle_EHLO(
        self, _: Any, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Answer EHLO."""
        session.host_name = hostname
        outcome = await self.play()
        return responses if outcome is None else [str(outcome.reply)]

    async def handle_MAIL(
        self, _: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the sender."""
        envelope.mail_from = address
        outcome = await self.play()
        if outcome is not None:
            envelope.mail_from = None
            return str(outcome.reply)
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self, _: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient."""
        self.recipient = address
        if len(envelope.rcpt_tos) >= RECIPIENT_LIMIT:
            return f"552 5.5.3 A mail may have {RECIPIENT_LIMIT} recipients, no more"
        outcome = await self.play()
        if outcome is not None:
            return str(outcome.reply)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_exception(self, error: Exception) -> str:
        """Answer what the parent could not read."""
        return f"500 5.5.2 That could not be understood ({type(error).__name__})"

    async def _take_mail(self, arg: str | None) -> None:
        if await self.check_helo_needed() or await self.check_auth_needed("DATA"):
            return
        if not self.mail().rcpt_tos:
            await self.push("503 5.5.1 Error: need RCPT command")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        outcome = await self.play()
        if outcome is not None:
            await self.push(str(outcome.reply))
            return
        self.in_data = True
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        content = await read_mail(self._reader, SIZE_LIMIT)
        self.in_data = False
        self.step = "reply"
        if content is None:
            self.dialogue.note("a mail that was too large")
            await self.push(f"552 5.3.4 A mail may have {SIZE_LIMIT} bytes, no more")
        else:
            self.dialogue.note(f"a mail of {len(content)} bytes")
            await self._store_and_answer(content)
        self.envelope = self._create_envelope()
        self.dialogue.lines = []

    async def _store_and_answer(self, raw: bytes) -> None:
        received_at = time.time()
        headers = read_key_headers(raw)
        self.subject = headers.subject
        outcome = await self.play()
        if outcome is not None and not outcome.store:
            await self.push(str(outcome.reply))
            return
        mail = Incoming(
            sender=readable(self.sender()),
            recipients=tuple(readable(recipient) for recipient in self.mail().rcpt_tos),
            raw=raw,
            headers=headers,
            peer=self.peer(),
            received_at=received_at,
            dialogue=json.dumps(self.dialogue.lines, ensure_ascii=False),
            fault="; ".join(hit.in_words() for hit in self.hits) or None,
        )
        try:
            receipt = await self.mails.deliver(mail)
        except sqlite3.Error as error:
            await self.push(f"452 4.3.1 The mail could not be stored: {error}")
            return
        reply = OK
        if outcome is not None:
            self.note_incident(self.hits[-1], message=receipt.message)
            if outcome.reply is None:
                self.hang_up()
            reply = outcome.reply
        await self.push(reply)
        note = partial(statements.note_reply, delivery=receipt.delivery, at=time.time())
        self.mails.later(partial(note, reply=reply))

    def _check_login(self, *arguments: Any) -> AuthResult:
        """Compare a login with the one that is asked for, if one is."""
        given = arguments[-1]
        assert isinstance(given, LoginPassword)
        right = self._login in (None, b":".join(given).decode("utf-8", "replace"))
        return AuthResult(success=right, handled=False)

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Take the common form of an address by the short way; the parser is slow."""
        plain = _PLAIN_ADDRESS.match(arg)
        return (plain[1], plain[2]) if plain else super()._getaddr(arg)


async def read_mail(reader: asyncio.StreamReader, limit: int) -> bytes | None:
    """Read a mail up to the line with a single dot, and undo the doubling of dots.

    Only `CRLF . CRLF` ends a mail (RFC 5321 §4.1.1.4, §2.3.8): a dot between bare line feeds
    or carriage returns is part of it, or a second mail could be smuggled in behind it.

    Returns the mail as bytes, or None if it has more than `limit`.
    """
    mail = bytearray(b"\r\n")  # the one that ended DATA: the mail may be just ".\r\n"
    too_large = False
    while True:
        try:
            mail += await reader.readuntil(_END)
            if mail.endswith(b"\r\n" + _END):
                break
        except asyncio.LimitOverrunError as overrun:
            mail += await reader.read(overrun.consumed)
        if len(mail) > limit + len(b"\r\n\r\n" + _END) + CHUNK:
            too_large = True
            del mail[:-2]  # enough to know whether a dot begins a line
    del mail[-len(_END) :]
    content = bytes(mail.replace(b"\r\n.", b"\r\n"))[2:]
    return None if too_large or len(content) > limit else content

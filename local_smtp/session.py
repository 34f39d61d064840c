"""Handle the commands of an SMTP client with aiosmtpd's hooks, and store its mails."""

from __future__ import annotations

# ruff: noqa: N802, N815  # aiosmtpd finds its commands and hooks by these names
import json
import re
import sqlite3
import time
from functools import partial
from typing import Any

from aiosmtpd.smtp import Envelope
from aiosmtpd.smtp import Session as Greeting

from local_smtp import bounds
from local_smtp.connection import Connection, refuses
from local_smtp.fault_rules import OK
from local_smtp.mail import Incoming, read_key_headers
from local_smtp.receiving import read_mail
from local_smtp.store import statements

# The path of MAIL and RCPT: an old source route is ignored, a local part may be quoted.
_LOCAL = r'(?:[^\s<>@"()\[\],;:\\\x00-\x20\x7f]+|"(?:[^"\\\x00-\x1f\x7f]|\\[ -~])*")'
_DOMAIN = r"(?:[\w.-]+|\[[\w.:]+\])"
_PATH = re.compile(rf"\s*<(?:@[\w.,@-]+:)?({_LOCAL}(?:@{_DOMAIN})?|)>(?:\s+(\S.*))?\s*")
_TOO_LARGE = f"552 5.3.4 A mail may have {bounds.MAIL_BYTES} bytes, no more"


class Session(Connection):
    """The dialogue with one client."""

    async def _http(self, arg: str | None) -> None:
        # A page in a browser can send this, with a mail in the request's body.
        await self.push("421 4.7.0 This is a mail server; that was HTTP")
        self.hang_up()

    smtp_GET = smtp_HEAD = smtp_POST = smtp_PUT = smtp_PATCH = smtp_DELETE = _http
    smtp_OPTIONS = smtp_CONNECT = smtp_TRACE = _http

    async def handle_MAIL(
        self, _: Any, greeting: Greeting, mail: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept the sender."""
        mail.mail_from = address
        reply = await self.answer("250 2.1.0 OK")
        if refuses(reply):
            mail.mail_from = None
        return reply

    async def handle_RCPT(
        self, _: Any, greeting: Greeting, mail: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept a recipient."""
        if address == "<>":
            return "553 5.1.3 Not an address"
        self.state.recipient = address
        if len(mail.rcpt_tos) >= bounds.RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        reply = await self.answer("250 2.1.5 OK")
        if not refuses(reply):
            mail.rcpt_tos.append(address)
        return reply

    async def handle_RSET(self, *_: Any) -> str:
        """Forget the current mail."""
        self.start_anew()
        return OK

    async def handle_exception(self, error: Exception) -> str:
        """Reply to a command that could not be parsed."""
        return f"500 5.5.2 The command could not be parsed ({type(error).__name__})"

    async def smtp_DATA(self, arg: str | None) -> None:
        """Receive and store a mail, and reply."""
        if await self.check_helo_needed():
            return
        if not self.mail().rcpt_tos:
            await self.push("503 5.5.1 Send RCPT first")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        reply = await self.answer("354 End data with <CR><LF>.<CR><LF>")
        await self.push(reply)
        if not refuses(reply):
            self.step = "reply"
            raw = await read_mail(self._reader)
            if raw is None:
                await self.push(_TOO_LARGE)
            else:
                self.note("#", f"a mail of {len(raw)} bytes")
                await self._store_and_answer(raw)
            self.start_anew()

    async def _store_and_answer(self, raw: bytearray) -> None:
        received_at = time.time()
        headers = read_key_headers(raw)
        self.state.subject = headers.subject
        outcome = await self.play()
        if outcome is not None and not outcome.store:
            await self.push(str(outcome.reply))
            return
        mail = Incoming(
            sender=self.sender(),
            recipients=tuple(self.mail().rcpt_tos),
            raw=raw,
            headers=headers,
            peer=self.peer(),
            received_at=received_at,
            dialogue=json.dumps(self.dialogue, ensure_ascii=False),
        )
        try:
            receipt = await self.around.writer.deliver(mail)
        except sqlite3.Error as error:
            await self.push(f"452 4.3.1 The mail could not be stored: {error}")
            return
        if outcome is not None:
            self.report(self.state.hit)
            self.hang_up()
        await self.push(OK)
        note = partial(statements.note_reply, delivery=receipt.delivery, at=time.time(), reply=OK)
        self.around.writer.later(note)

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        # the library's parser of addresses is slow, and accepts malformed ones
        found = _PATH.fullmatch(arg)
        if not found or len(found[1]) > bounds.ADDRESS_CHARACTERS or not found[1].isprintable():
            return None, None
        return found[1] or "<>", found[2] or ""

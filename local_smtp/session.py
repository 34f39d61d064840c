"""An SMTP session of aiosmtpd, with limits, faults, and a record of the dialogue."""

# ruff: noqa: N802, N815  # aiosmtpd finds its commands and hooks by these names
import asyncio
import json
import re
import sqlite3
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, AnyStr, NoReturn, cast

from aiosmtpd.smtp import SMTP, Envelope
from aiosmtpd.smtp import Session as Greeting

from local_smtp import bounds
from local_smtp.fault_rules import EFFECTS, OK, Fault, Outcome, Step
from local_smtp.faults import Faults
from local_smtp.mail import Incoming, read_key_headers, readable
from local_smtp.models import DialogueLine, Incident
from local_smtp.receiving import read_mail
from local_smtp.store import statements
from local_smtp.store.writer import Writer

# The argument of MAIL and RCPT: an address in angle brackets, then options. An old source route is
# ignored; the local part may be quoted.
_LOCAL = r'(?:[^\s<>@"()\[\],;:\\\x00-\x20\x7f]+|"(?:[^"\\\x00-\x1f\x7f]|\\[ -~])*")'
_DOMAIN = r"(?:[\w.-]+|\[[\w.:]+\])"
_PATH = re.compile(rf"\s*<(?:@[\w.,@-]+:)?({_LOCAL}(?:@{_DOMAIN})?|)>(?:\s+(\S.*))?\s*")
_TOO_LARGE = f"552 5.3.4 A mail may have {bounds.MAIL_BYTES} bytes, no more"
_STEPS: dict[str, Step] = {
    "HELO": "ehlo", "EHLO": "ehlo", "MAIL": "mail", "RCPT": "rcpt", "DATA": "data",
}  # fmt: skip


class Session(SMTP):
    """The SMTP session of one client.

    Differences from aiosmtpd: a line of a mail may have any length, a mail is read in chunks, and
    the timeout also disconnects a client that does not read.

    Args:
        publish: a function that receives each refusal, and each fault that was carried out.
    """

    line_length_limit = bounds.BUFFER_BYTES  # limits the stream's buffer, not a line
    command_size_limit = bounds.COMMAND_BYTES

    def __init__(
        self, hostname: str, writer: Writer, faults: Faults, publish: Callable[[Incident], None]
    ) -> None:
        super().__init__(
            self,
            data_size_limit=bounds.MAIL_BYTES,
            enable_SMTPUTF8=True,
            hostname=hostname,
            ident="local_smtp mail sink",
            timeout=bounds.SMTP_SECONDS,
            loop=asyncio.get_running_loop(),
        )
        self.writer, self.faults, self.publish = writer, faults, publish
        self.step: Step | None = None
        self.start_anew()
        # the limits after EHLO: aiosmtpd's own are 512 bytes, and shared by all sessions
        self.command_size_limits = defaultdict(lambda: bounds.COMMAND_BYTES)
        for name, method in list(self._smtp_methods.items()):
            self._smtp_methods[name] = partial(self._command, name, method)

    def start_anew(self) -> None:
        self.envelope = self._create_envelope()
        #: The recipient of the present RCPT command.
        self.recipient: str | None = None
        self.subject = ""
        #: The rule that refuses the present command or mail.
        self.rule: Fault | None = None
        #: True if the mail was already counted as refused.
        self.refused = False
        self.dialogue: list[DialogueLine] = []
        self._room = bounds.DIALOGUE_CHARACTERS

    def _timeout_cb(self) -> None:
        if self.transport is not None:  # close() would wait if the client does not read
            cast(asyncio.Transport, self.transport).abort()

    def hang_up(self) -> NoReturn:
        """Raise CancelledError to end the session.

        The connection closes once all replies have been sent.
        """
        if self.transport is not None:
            self.transport.close()
        raise asyncio.CancelledError

    async def _handle_client(self) -> None:
        self.step = "connect"
        outcome = await self.play()
        if outcome is not None:
            await self.push(str(outcome.reply))
            self.hang_up()
        self.step = None
        await super()._handle_client()

    # Commands

    async def _http(self, arg: str | None) -> None:
        # Close the connection: a web page can send an HTTP request with SMTP commands in its body.
        await self.push("421 4.7.0 This is a mail server; that was HTTP")
        self.hang_up()

    smtp_GET = smtp_HEAD = smtp_POST = smtp_PUT = smtp_PATCH = smtp_DELETE = _http
    smtp_OPTIONS = smtp_CONNECT = smtp_TRACE = _http

    async def smtp_HELP(self, arg: str | None) -> None:
        # aiosmtpd's HELP would list no commands, since `_command` wraps all of them
        await self.push("214 2.0.0 EHLO HELO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT")

    async def handle_MAIL(
        self, _: Any, greeting: Greeting, mail: Envelope, address: str, options: list[str]
    ) -> str:
        mail.mail_from = address
        reply = await self.answer("250 2.1.0 OK")
        if refuses(reply):
            mail.mail_from = None
        return reply

    async def handle_RCPT(
        self, _: Any, greeting: Greeting, mail: Envelope, address: str, options: list[str]
    ) -> str:
        if address == "<>":
            return "553 5.1.3 Not an address"
        self.recipient = address
        if len(mail.rcpt_tos) >= bounds.RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        reply = await self.answer("250 2.1.5 OK")
        if not refuses(reply):
            mail.rcpt_tos.append(address)
        return reply

    async def handle_RSET(self, *_: Any) -> str:
        self.start_anew()
        return OK

    async def handle_exception(self, error: Exception) -> str:
        return f"500 5.5.2 The command could not be parsed ({type(error).__name__})"

    async def smtp_DATA(self, arg: str | None) -> None:
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
        self.subject = headers.subject
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
            receipt = await self.writer.deliver(mail)
        except sqlite3.Error as error:
            await self.push(f"452 4.3.1 The mail could not be stored: {error}")
            return
        if outcome is not None:
            self.report(self.rule)
            self.hang_up()
        await self.push(OK)
        note = partial(statements.note_reply, delivery=receipt.delivery, at=time.time(), reply=OK)
        self.writer.later(note)

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        # aiosmtpd's parser of addresses is slow, and accepts malformed addresses
        found = _PATH.fullmatch(arg)
        if not found or len(found[1]) > bounds.ADDRESS_CHARACTERS or not found[1].isprintable():
            return None, None
        return found[1] or "<>", found[2] or ""

    # The dialogue

    async def _command(
        self, name: str, method: Callable[[str | None], Awaitable[None]], arg: str | None
    ) -> None:
        self.note("C", name if arg is None else f"{name} {arg}")
        self.step = _STEPS.get(name)
        try:
            # the handlers of the other commands call `play` themselves, after parsing
            outcome = await self.play() if self.step == "ehlo" else None
            await (method(arg) if outcome is None else self.push(str(outcome.reply)))
        finally:
            self.step = self.recipient = self.rule = None

    async def push(self, status: AnyStr) -> None:
        """Send a reply and record it in the dialogue.

        If the reply refuses a mail or a command of the mail, report the refusal, and count the mail
        as refused (only once).
        """
        reply = status if isinstance(status, str) else status.decode()
        self.note("S", reply)
        if self.step is not None and refuses(reply):
            self.report(self.rule, reply)
            if not self.refused:
                self.writer.change(statements.note_refusal)
            self.refused = self.step != "mail"  # after a refused MAIL, the next MAIL is a new mail
        await super().push(status)
        if reply == "500 Command line too long":
            self.hang_up()  # the line may be an HTTP request with a long URL; see `_http`

    def note(self, who: str, text: str) -> None:
        """Record a line of the dialogue (see `DialogueLine`), unless the dialogue is full."""
        if self._room > 0:
            text = readable(text)  # text from a client may not be valid UTF-8
            self.dialogue.append(DialogueLine(round(time.time(), 4), who, text[: self._room]))
            self._room -= len(text) + 40

    # Faults

    async def answer(self, usual: str) -> str:
        """Carry out the fault of this step, and return the fault's reply.

        If there is no fault, or if the fault only waits, return `usual`.
        """
        outcome = await self.play()
        return usual if outcome is None else str(outcome.reply)

    async def play(self) -> Outcome | None:
        """Carry out the fault of this step, if a rule hits. This may wait, or end the session.

        Returns:
            The outcome, whose reply is not sent yet, or None to continue as usual.
        """
        assert self.step is not None
        hit = self.faults.hit(self.step, self.sender(), self.recipients(), self.subject)
        if hit is None:
            return None
        self.note("#", hit.in_words())
        outcome = EFFECTS[hit.do].outcome(hit)
        self.rule = None if outcome.go_on else hit
        if outcome.go_on or not (outcome.store or refuses(outcome.reply)):
            self.report(hit)  # `push` reports a refusal, `_store_and_answer` a stored mail
        if outcome.pause:
            self._reset_timeout(outcome.pause + bounds.SMTP_SECONDS)
            await asyncio.sleep(outcome.pause)
        if outcome.reply is None and not outcome.go_on and not outcome.store:
            self.hang_up()
        return None if outcome.go_on else outcome

    def report(self, hit: Fault | None, reply: str | None = None) -> None:
        assert self.step is not None
        self.publish(
            Incident(
                at=time.time(),
                step=self.step,
                peer=self.peer(),
                sender=self.sender(),
                recipients=self.recipients(),
                subject=self.subject,
                reply=reply,
                fault=None if hit is None else hit.in_words(),
            )
        )

    def mail(self) -> Envelope:
        assert self.envelope is not None
        return self.envelope

    def sender(self) -> str:
        """Return the sender of the current mail; "" for a bounce."""
        sender = self.mail().mail_from
        return "" if sender in (None, "<>") else str(sender)

    def recipients(self) -> list[str]:
        return [self.recipient] if self.recipient else list(self.mail().rcpt_tos)

    def peer(self) -> str:
        assert self.session is not None
        name = self.session.peer
        return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else "gone"


def refuses(reply: str | None) -> bool:
    return reply is not None and reply.startswith(("4", "5"))

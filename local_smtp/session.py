"""One SMTP connection: aiosmtpd's, with faults that are played and a record of what was said."""

# ruff: noqa: N802, N815  # aiosmtpd finds its commands and hooks by these names

import json
import re
import sqlite3
import time
<<<<<<< HEAD
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
=======
>>>>>>> h/sink
from functools import partial
from typing import Any, AnyStr, NoReturn, cast

from aiosmtpd.smtp import SMTP, Envelope
from aiosmtpd.smtp import Session as Greeting

from local_smtp import bounds
<<<<<<< HEAD
from local_smtp.crowd import Crowd
from local_smtp.fault_rules import EFFECTS, OK, Fault, Outcome, Step
from local_smtp.faults import Faults
from local_smtp.mail import Incoming, read_key_headers, readable
from local_smtp.models import Incident, Line
from local_smtp.receiving import Budget, read_mail
=======
from local_smtp.answers import Answers, Surroundings, Transaction
from local_smtp.connection import Connection, HungUp
from local_smtp.fault_rules import OK
from local_smtp.mail import Incoming, read_key_headers
>>>>>>> h/sink
from local_smtp.store import statements

# The path of MAIL and RCPT: an old source route is ignored, a local part may be quoted.
_LOCAL = r'(?:[^\s<>@"()\[\],;:\\\x00-\x20\x7f]+|"(?:[^"\\\x00-\x1f\x7f]|\\[ -~])*")'
_DOMAIN = r"(?:[\w.-]+|\[[\w.:]+\])"
_PATH = re.compile(rf"\s*<(?:@[\w.,@-]+:)?({_LOCAL}(?:@{_DOMAIN})?|)>(?:\s+(\S.*))?\s*")
_TOO_LARGE = f"552 5.3.4 A mail may have {bounds.MAIL_BYTES} bytes, no more"
_NO_ADDRESS = "553 5.1.3 That is no address"

<<<<<<< HEAD

@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all sessions of a server share."""

    hostname: str
    writer: Writer
    faults: Faults
    report: Callable[[Incident], None]
    crowd: Crowd
    budget: Budget


@dataclass(slots=True)
class Transaction:
    """What is known of the mail under way, beside its envelope."""

    recipient: str | None = None
    """The one that RCPT is about just now."""
    subject: str = ""
    hits: list[Fault] = field(default_factory=list)
    """The rules that hit it."""
    refused: bool = False
    """Whether it was counted as refused."""
=======
_TOO_MANY = "452 4.3.1 Too many mails at once; try again"
_TOO_LARGE = f"552 5.3.4 A mail may have {bounds.MAIL_BYTES} bytes, no more"
>>>>>>> h/sink


class Session(SMTP):
    """A connection with one client.

    It differs from aiosmtpd's in that a line of a mail may have any length, that a mail is read in
    whole chunks, and in its bounds: a client that stops reading is cut off by the timeout too.
    """

    line_length_limit = bounds.BUFFER_BYTES  # of the stream's buffer
    command_size_limit = bounds.COMMAND_BYTES

    def __init__(self, around: Surroundings) -> None:
        super().__init__(
            self,
            data_size_limit=bounds.MAIL_BYTES,
            enable_SMTPUTF8=True,
            hostname=around.hostname,
            ident="local_smtp mail sink",
            timeout=bounds.SMTP_SECONDS,
            loop=asyncio.get_running_loop(),
        )
        self._around = around
<<<<<<< HEAD
        self._mail = Transaction()
        self._step: Step | None = None
=======
        self._answers = Answers(connection, around)
        self._greeted = False
>>>>>>> h/sink
        self._errors = 0
        self._dialogue: list[Line] = []
        self._room = bounds.DIALOGUE_CHARACTERS
        self._smtp_methods = {
            name: partial(self._command, name, method)
            for name, method in self._smtp_methods.items()
        }

    # The connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the client in."""
        self._around.crowd.heard(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Count the client out."""
        self._around.crowd.gone(self)
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """Note that the client is not silent."""
        self._around.crowd.heard(self)
        super().data_received(data)

    def cut_off(self) -> None:
        """End the connection at once."""
        if self.transport is not None:
            cast(asyncio.Transport, self.transport).abort()

    def _timeout_cb(self) -> None:
        self.cut_off()  # close() would wait for a client that never reads the last reply

    def _hang_up(self) -> NoReturn:
        if self.transport is not None:
            self.transport.close()
        raise asyncio.CancelledError

    async def _handle_client(self) -> None:
        self._step = "connect"
        outcome = await self._play()
        if outcome is not None:
            await self.push(str(outcome.reply))
            self._hang_up()
        self._step = None
        await super()._handle_client()

    # What is said

    async def _command(
        self, name: str, method: Callable[[str | None], Awaitable[None]], arg: str | None
    ) -> None:
        await asyncio.sleep(0)  # who sends many commands at once waits for others in between
        self._note("C", name if arg is None else f"{name} {readable(arg)}")
        self._step = _STEPS.get(name)
        try:
<<<<<<< HEAD
            await method(arg)
=======
            greeting = f"220 {self._around.hostname} local_smtp mail sink"
            if await self._answers.usual("connect", greeting):
                while True:
                    await self._command(await self._connection.line())
        except (HungUp, OSError, EOFError):  # a timeout and a reset are errors of the system
            await self._connection.close()
>>>>>>> h/sink
        finally:
            self._step = self._mail.recipient = None

    async def push(self, status: AnyStr) -> None:
        """Send a reply; note it, and that it turns a mail down if it does."""
        reply = status if isinstance(status, str) else status.decode()
        self._note("S", reply)
        hits = self._mail.hits
        hit = hits[-1] if hits and hits[-1].at == self._step else None
        if self._step is not None and _refuses(reply):
            self._report(hit, reply)
            if not self._mail.refused:
                self._mail.refused = True
                self._around.writer.change(statements.note_refusal)
        self._errors += hit is None and reply.startswith("5")
        if self._errors > bounds.SMTP_ERRORS:
            await super().push("421 4.7.0 Too many errors")
            self._hang_up()
        await super().push(status)
        if reply == "500 Command line too long":
            self._hang_up()  # the rest could hold anything: a page's mail behind a long address

    def _note(self, who: str, text: str) -> None:
        if self._room > 0:
            self._dialogue.append(Line(round(time.time(), 4), who, text[: self._room]))
            self._room -= len(text) + 40

    def _set_post_data_state(self) -> None:
        super()._set_post_data_state()  # type: ignore[no-untyped-call]
        self._mail = Transaction(refused=self._mail.refused)  # HELO follows a refused EHLO

    def _start_anew(self) -> None:
        self.envelope = self._create_envelope()
        self._mail = Transaction()
        self._dialogue, self._room = [], bounds.DIALOGUE_CHARACTERS

    # The commands

    async def _http(self, arg: str | None) -> None:
        # A page in a browser can send this, with a mail in the request's body.
        await self.push("421 4.7.0 This is a mail server; that was HTTP")
        self._hang_up()

<<<<<<< HEAD
    smtp_GET = smtp_HEAD = smtp_POST = smtp_PUT = smtp_PATCH = smtp_DELETE = _http
    smtp_OPTIONS = smtp_CONNECT = smtp_TRACE = _http
=======
    def _start_anew(self) -> None:
        self._answers.mail = Transaction()
        self._connection.start_anew()
>>>>>>> h/sink

    async def handle_HELO(self, _: Any, greeting: Greeting, mail: Envelope, host: str) -> str:
        """Answer HELO."""
        greeting.host_name = host
        return await self._answer(f"250 {self.hostname}")

    async def handle_EHLO(
        self, _: Any, greeting: Greeting, mail: Envelope, host: str, usual: list[str]
    ) -> list[str]:
        """Answer EHLO."""
        greeting.host_name = host
        outcome = await self._play()
        return usual if outcome is None else [str(outcome.reply)]

    async def handle_MAIL(
        self, _: Any, greeting: Greeting, mail: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the sender."""
        if not _is_address(address):
            return _NO_ADDRESS
        mail.mail_from = address
        reply = await self._answer("250 2.1.0 OK")
        if _refuses(reply):
            mail.mail_from = None
        return reply

    async def handle_RCPT(
        self, _: Any, greeting: Greeting, mail: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient."""
        if not _is_address(address) or address == "<>":
            return _NO_ADDRESS
        self._mail.recipient = address
        if len(mail.rcpt_tos) >= bounds.RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        if sum(map(len, mail.rcpt_tos)) >= bounds.RECIPIENT_CHARACTERS:
            return "452 4.5.3 Too many long recipients"
        reply = await self._answer("250 2.1.5 OK")
        if not _refuses(reply):
            mail.rcpt_tos.append(address)
        return reply

    async def handle_RSET(self, *_: Any) -> str:
        """Forget the mail under way."""
        self._start_anew()
        return OK

    async def handle_exception(self, error: Exception) -> str:
        """Answer what could not be read."""
        return f"500 5.5.2 That could not be understood ({type(error).__name__})"

    async def smtp_DATA(self, arg: str | None) -> None:
        """DATA, the mail, and the reply that answers for it."""
        if await self.check_helo_needed():
            return
<<<<<<< HEAD
        if not self._envelope().rcpt_tos:
            await self.push("503 5.5.1 Say RCPT first")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        reply = await self._answer("354 End data with <CR><LF>.<CR><LF>")
        await self.push(reply)
        if not _refuses(reply):
            self._step = "reply"
=======
        name = self._around.hostname
        size = f"SIZE {bounds.MAIL_BYTES}"
        known = f"250-{name}\r\n250-{size}\r\n250-8BITMIME\r\n250 SMTPUTF8"
        self._answers.mail = Transaction(
            refused=self._answers.mail.refused
        )  # HELO follows a refused EHLO
        self._greeted = await self._answers.usual(
            "ehlo", known if verb == "EHLO" else f"250 {name}"
        )

    async def _path(self, verb: str, argument: str) -> None:
        word, _, rest = argument.partition(":")
        expected = "FROM" if verb == "MAIL" else "TO"
        found = _PATH.fullmatch(rest)
        if not self._greeted:
            await self._complain("503 5.5.1 Say EHLO first")
        elif word.strip().upper() != expected or found is None:
            await self._complain(f"501 5.5.4 Syntax: {verb} {expected}:<address>")
        elif len(found[1]) > bounds.ADDRESS_CHARACTERS or "\ufffd" in found[1]:
            await self._complain("553 5.1.3 That is no address")
        elif verb == "MAIL":
            await self._sender(found[1], found[2] or "")
        else:
            await self._recipient(found[1], found[2] or "")

    async def _sender(self, address: str, options: str) -> None:
        if self._answers.mail.sender is not None:
            await self._complain("503 5.5.1 There is a mail under way")
            return
        for option in options.upper().split():
            name, _, value = option.partition("=")
            if name not in ("SIZE", "BODY", "SMTPUTF8"):
                await self._complain("555 5.5.4 This option is not known here")
                return
            if name == "SIZE" and not value.isdecimal():
                await self._complain("501 5.5.4 Syntax: SIZE=bytes")
                return
            if name == "SIZE" and (len(value) > 20 or int(value) > bounds.MAIL_BYTES):
                self._answers.mail = Transaction()
                await self._answers.refuse("mail", _TOO_LARGE)
                return
        self._answers.mail = Transaction(sender=address)
        if not await self._answers.usual("mail", "250 2.1.0 OK"):
            self._answers.mail.sender = None

    async def _recipient(self, address: str, options: str) -> None:
        if self._answers.mail.sender is None:
            await self._complain("503 5.5.1 Say MAIL first")
        elif not address or options:
            await self._complain("555 5.5.4 Syntax: RCPT TO:<address>")
        elif len(self._answers.mail.recipients) >= bounds.RECIPIENTS:
            await self._answers.refuse("rcpt", "452 4.5.3 Too many recipients")
        elif sum(map(len, self._answers.mail.recipients)) >= bounds.RECIPIENT_CHARACTERS:
            await self._answers.refuse("rcpt", "452 4.5.3 Too many long recipients")
        else:
            others, self._answers.mail.recipients = self._answers.mail.recipients, [address]
            taken = await self._answers.usual("rcpt", "250 2.1.5 OK")
            self._answers.mail.recipients = [*others, address] if taken else others

    async def _data(self, argument: str) -> None:
        if not self._answers.mail.recipients:
            await self._complain("503 5.5.1 Say RCPT first")
        elif argument.strip():
            await self._complain("501 5.5.4 Syntax: DATA")
        elif await self._answers.usual("data", "354 End data with <CR><LF>.<CR><LF>"):
>>>>>>> h/sink
            with self._around.budget.share() as share:
                try:
                    async with asyncio.timeout(bounds.MAIL_SECONDS):
                        raw = await read_mail(self._reader, share)
                except TimeoutError:
                    self._hang_up()  # what else comes of the mail must not be read as commands
                if raw is not None:
                    self._note("#", f"a mail of {len(raw)} bytes")
                    await self._store_and_answer(raw)
                elif share.too_large:
<<<<<<< HEAD
                    await self.push(_TOO_LARGE)
                else:
                    await self.push("452 4.3.1 Too many mails at once; try again")
=======
                    await self._answers.refuse("reply", _TOO_LARGE)
                else:
                    await self._answers.refuse(
                        "reply", "452 4.3.1 Too many mails at once; try again"
                    )
>>>>>>> h/sink
            self._start_anew()

    async def _store_and_answer(self, raw: bytearray) -> None:
        received_at = time.time()
        headers = read_key_headers(raw)
<<<<<<< HEAD
        self._mail.subject = headers.subject
        outcome = await self._play()
        if outcome is not None and not outcome.store:
            await self.push(str(outcome.reply))
            return
        mail = Incoming(
            sender=self._sender(),
            recipients=tuple(self._envelope().rcpt_tos),
=======
        self._answers.mail.subject = headers.subject
        outcome = await self._answers.play("reply")
        if outcome is not None and not outcome.store:
            await self._answers.instead("reply", outcome)
            return
        mail = Incoming(
            sender=self._answers.mail.sender or "",
            recipients=tuple(self._answers.mail.recipients),
>>>>>>> h/sink
            raw=raw,
            headers=headers,
            peer=self._peer(),
            received_at=received_at,
<<<<<<< HEAD
            dialogue=json.dumps(self._dialogue, ensure_ascii=False),
            fault="; ".join(hit.in_words() for hit in self._mail.hits) or None,
=======
            dialogue=json.dumps(self._connection.dialogue, ensure_ascii=False),
            fault="; ".join(hit.in_words() for hit in self._answers.mail.hits) or None,
>>>>>>> h/sink
        )
        try:
            receipt = await self._around.writer.deliver(mail)
        except sqlite3.Error as error:
<<<<<<< HEAD
            await self.push(f"452 4.3.1 The mail could not be stored: {error}")
            return
        if outcome is not None:
            self._report(self._mail.hits[-1], message=receipt.message)
            self._hang_up()
        await self.push(OK)
        note = partial(statements.note_reply, delivery=receipt.delivery, at=time.time(), reply=OK)
        self._around.writer.later(note)

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        # The library's parser of addresses is slow, and takes what is none.
        found = _PATH.fullmatch(arg)
        return (found[1] or "<>", found[2] or "") if found else (None, None)

    # Faults, and what went wrong

    async def _answer(self, usual: str) -> str:
        outcome = await self._play()
        return usual if outcome is None else str(outcome.reply)

    async def _play(self) -> Outcome | None:
        """Play the fault for this step; return what happens instead of the usual, if anything."""
        assert self._step is not None
        mail = self._mail
        recipients = [mail.recipient] if mail.recipient else self._envelope().rcpt_tos
        hit = self._around.faults.hit(self._step, self._sender(), recipients, mail.subject)
        if hit is None:
            return None
        mail.hits.append(hit)
        self._note("#", hit.in_words())
        outcome = EFFECTS[hit.do].outcome(hit)
        if outcome.go_on or not (outcome.store or _refuses(outcome.reply)):
            self._report(hit)  # else it is reported with what follows
        if outcome.pause:
            self._reset_timeout(outcome.pause + bounds.SMTP_SECONDS)
            await asyncio.sleep(outcome.pause)
        if outcome.reply is None and not outcome.go_on and not outcome.store:
            self._hang_up()
        return None if outcome.go_on else outcome

    def _report(
        self, hit: Fault | None, reply: str | None = None, message: int | None = None
    ) -> None:
        assert self._step is not None
        recipient = self._mail.recipient
        self._around.report(
            Incident(
                at=time.time(),
                step=self._step,
                peer=self._peer(),
                sender=self._sender(),
                recipients=[recipient] if recipient else list(self._envelope().rcpt_tos),
                subject=self._mail.subject,
                reply=reply,
                rule_id=None if hit is None else hit.id,
                fault=None if hit is None else hit.in_words(),
                message=message,
            )
        )

    def _envelope(self) -> Envelope:
        assert self.envelope is not None
        return self.envelope

    def _sender(self) -> str:
        sender = self._envelope().mail_from
        return "" if sender in (None, "<>") else str(sender)

    def _peer(self) -> str:
        assert self.session is not None
        name = self.session.peer
        return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else "gone"


_STEPS: dict[str, Step] = {
    "HELO": "ehlo", "EHLO": "ehlo", "MAIL": "mail", "RCPT": "rcpt", "DATA": "data",
}  # fmt: skip


def _refuses(reply: str | None) -> bool:
    return reply is not None and reply.startswith(("4", "5"))


def _is_address(text: str) -> bool:
    return len(text) <= bounds.ADDRESS_CHARACTERS and text.isprintable()
=======
            await self._answers.refuse("reply", f"452 4.3.1 The mail could not be stored: {error}")
            return
        if outcome is not None:
            self._answers.report("reply", hit=self._answers.mail.hits[-1], message=receipt.message)
            raise HungUp
        await self._say(OK)
        note = partial(statements.note_reply, delivery=receipt.delivery, at=time.time(), reply=OK)
        self._around.writer.later(note)
>>>>>>> h/sink

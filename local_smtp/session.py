"""SMTP (RFC 5321) with one client: its commands, and the faults that are played."""

import json
import re
import sqlite3
import time
from functools import partial

from local_smtp import bounds
from local_smtp.answers import Answers, Surroundings, Transaction
from local_smtp.connection import Connection, HungUp
from local_smtp.fault_rules import OK
from local_smtp.mail import Incoming, read_key_headers
from local_smtp.store import statements

# The path of MAIL and RCPT: an old source route is ignored, a local part may be quoted.
_LOCAL = r'(?:[^\s<>@"()\[\],;:\\\x00-\x20\x7f]+|"(?:[^"\\\x00-\x1f\x7f]|\\[ -~])*")'
_DOMAIN = r"(?:[\w.-]+|\[[\w.:]+\])"
_PATH = re.compile(rf"\s*<(?:@[\w.,@-]+:)?({_LOCAL}(?:@{_DOMAIN})?|)>(?:\s+(\S.*))?\s*")
_HTTP = re.compile(r"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT|TRACE)\b|.* HTTP/\d", re.I)

_TOO_MANY = "452 4.3.1 Too many mails at once; try again"
_TOO_LARGE = f"552 5.3.4 A mail may have {bounds.MAIL_BYTES} bytes, no more"


class Session:
    """The dialogue with one client."""

    def __init__(self, connection: Connection, around: Surroundings) -> None:
        self._connection = connection
        self._say = connection.say
        self._around = around
        self._answers = Answers(connection, around)
        self._greeted = False
        self._errors = 0

    async def run(self) -> None:
        """Talk until the client or a fault ends it, or until the client is silent for too long."""
        try:
            greeting = f"220 {self._around.hostname} local_smtp mail sink"
            if await self._answers.usual("connect", greeting):
                while True:
                    await self._command(await self._connection.line())
        except (HungUp, OSError, EOFError):  # a timeout and a reset are errors of the system
            await self._connection.close()
        finally:
            self._connection.let_go()

    # The commands

    async def _command(self, line: str) -> None:
        if _HTTP.match(line):
            # A page in a browser can send this, with a mail in the request's body.
            await self._connection.last_word("421 4.7.0 This is a mail server; that was HTTP")
        verb, _, argument = line.partition(" ")
        match verb.upper():
            case "HELO" | "EHLO":
                await self._hello(verb.upper(), argument.strip())
            case "MAIL" | "RCPT":
                await self._path(verb.upper(), argument)
            case "DATA":
                await self._data(argument)
            case "RSET":
                self._start_anew()
                await self._say(OK)
            case "NOOP":
                await self._say(OK)
            case "VRFY":
                await self._say("252 2.1.5 Send a mail and see")
            case "QUIT":
                await self._connection.last_word("221 2.0.0 Bye")
            case _:
                await self._complain("500 5.5.2 This command is not known here")

    def _start_anew(self) -> None:
        self._answers.mail = Transaction()
        self._connection.start_anew()

    async def _complain(self, reply: str) -> None:
        """Answer a command that makes no sense."""
        self._errors += 1
        if self._errors > bounds.SMTP_ERRORS:
            await self._connection.last_word("421 4.7.0 Too many errors")
        await self._say(reply)

    async def _hello(self, verb: str, host: str) -> None:
        if not host:
            await self._complain(f"501 5.5.4 Syntax: {verb} host name")
            return
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
            with self._around.budget.share() as share:
                raw = await self._connection.mail(share)
                if raw is not None:
                    self._connection.note("#", f"a mail of {len(raw)} bytes")
                    await self._store_and_answer(raw)
                elif share.too_large:
                    await self._answers.refuse("reply", _TOO_LARGE)
                else:
                    await self._answers.refuse(
                        "reply", "452 4.3.1 Too many mails at once; try again"
                    )
            self._start_anew()

    async def _store_and_answer(self, raw: bytearray) -> None:
        received_at = time.time()
        headers = read_key_headers(raw)
        self._answers.mail.subject = headers.subject
        outcome = await self._answers.play("reply")
        if outcome is not None and not outcome.store:
            await self._answers.instead("reply", outcome)
            return
        mail = Incoming(
            sender=self._answers.mail.sender or "",
            recipients=tuple(self._answers.mail.recipients),
            raw=raw,
            headers=headers,
            peer=self._connection.peer,
            received_at=received_at,
            dialogue=json.dumps(self._connection.dialogue, ensure_ascii=False),
            fault="; ".join(hit.in_words() for hit in self._answers.mail.hits) or None,
        )
        try:
            receipt = await self._around.writer.deliver(mail)
        except sqlite3.Error as error:
            await self._answers.refuse("reply", f"452 4.3.1 The mail could not be stored: {error}")
            return
        if outcome is not None:
            self._answers.report("reply", hit=self._answers.mail.hits[-1], message=receipt.message)
            raise HungUp
        await self._say(OK)
        note = partial(statements.note_reply, delivery=receipt.delivery, at=time.time(), reply=OK)
        self._around.writer.later(note)

"""An SMTP connection: aiosmtpd's, with limits, faults, and a record of the dialogue."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import AnyStr, NoReturn, cast

from aiosmtpd.smtp import SMTP, Envelope

from local_smtp import bounds
from local_smtp.fault_rules import EFFECTS, Fault, Outcome, Step
from local_smtp.faults import Faults
from local_smtp.mail import readable
from local_smtp.models import Incident, Line
from local_smtp.store import statements
from local_smtp.store.writer import Writer


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The objects that all sessions of a server share."""

    hostname: str
    writer: Writer
    faults: Faults
    report: Callable[[Incident], None]


@dataclass(slots=True)
class Transaction:
    """The state of the current mail beside its envelope."""

    #: The recipient of the present RCPT command.
    recipient: str | None = None
    subject: str = ""
    #: The last rule that hit the mail.
    hit: Fault | None = None
    #: True if it was counted as refused.
    refused: bool = False


class Connection(SMTP):
    """A connection with one client, without the hooks that answer its commands.

    It differs from aiosmtpd's in that a line of a mail may have any length, that a mail is read in
    whole chunks, and that a client which stops reading is cut off by the timeout too.
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
        self.around = around
        self.state = Transaction()
        self.step: Step | None = None
        self.dialogue: list[Line] = []
        self._room = bounds.DIALOGUE_CHARACTERS
        self._smtp_methods = {
            name: partial(self._command, name, method)
            for name, method in self._smtp_methods.items()
        }

    def _timeout_cb(self) -> None:
        if self.transport is not None:  # close() would wait for a client that does not read
            cast(asyncio.Transport, self.transport).abort()

    def hang_up(self) -> NoReturn:
        """Close the connection after the client has read the replies."""
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

    # The dialogue

    async def _command(
        self, name: str, method: Callable[[str | None], Awaitable[None]], arg: str | None
    ) -> None:
        self.note("C", name if arg is None else f"{name} {readable(arg)}")
        self.step = _STEPS.get(name)
        try:
            # only the greeting's rules need nothing of the mail
            outcome = await self.play() if self.step == "ehlo" else None
            await (method(arg) if outcome is None else self.push(str(outcome.reply)))
        finally:
            self.step = self.state.recipient = None

    async def push(self, status: AnyStr) -> None:
        """Send a reply and record it. Count a mail that it refuses."""
        reply = status if isinstance(status, str) else status.decode()
        self.note("S", reply)
        hit = self.state.hit
        if hit is not None and hit.at != self.step:
            hit = None
        if self.step is not None and refuses(reply):
            self.report(hit, reply)
            if not self.state.refused:
                self.state.refused = True
                self.around.writer.change(statements.note_refusal)
        await super().push(status)
        if reply == "500 Command line too long":
            self.hang_up()  # the rest may be a mail that a web page has put behind a long address

    def note(self, who: str, text: str) -> None:
        """Record a line of the client (C), of the server (S), or a remark (#)."""
        if self._room > 0:
            self.dialogue.append(Line(round(time.time(), 4), who, text[: self._room]))
            self._room -= len(text) + 40

    def _set_post_data_state(self) -> None:
        super()._set_post_data_state()  # type: ignore[no-untyped-call]
        self.state = Transaction(refused=self.state.refused)  # HELO follows a refused EHLO

    def start_anew(self) -> None:
        """Forget the current mail. The next one has its own dialogue."""
        self.envelope = self._create_envelope()
        self.state = Transaction()
        self.dialogue, self._room = [], bounds.DIALOGUE_CHARACTERS

    # Faults

    async def answer(self, usual: str) -> str:
        """Return the usual reply, or the reply of a fault."""
        outcome = await self.play()
        return usual if outcome is None else str(outcome.reply)

    async def play(self) -> Outcome | None:
        """Play the fault of this step. Return its outcome, or None to go on as usual."""
        assert self.step is not None
        state = self.state
        recipients = [state.recipient] if state.recipient else self.mail().rcpt_tos
        hit = self.around.faults.hit(self.step, self.sender(), recipients, state.subject)
        if hit is None:
            return None
        state.hit = hit
        self.note("#", hit.in_words())
        outcome = EFFECTS[hit.do].outcome(hit)
        if outcome.go_on or not (outcome.store or refuses(outcome.reply)):
            self.report(hit)  # otherwise it is reported with the reply
        if outcome.pause:
            self._reset_timeout(outcome.pause + bounds.SMTP_SECONDS)
            await asyncio.sleep(outcome.pause)
        if outcome.reply is None and not outcome.go_on and not outcome.store:
            self.hang_up()
        return None if outcome.go_on else outcome

    def report(self, hit: Fault | None, reply: str | None = None) -> None:
        """Report a refusal or a fault."""
        assert self.step is not None
        recipient = self.state.recipient
        self.around.report(
            Incident(
                at=time.time(),
                step=self.step,
                peer=self.peer(),
                sender=self.sender(),
                recipients=[recipient] if recipient else list(self.mail().rcpt_tos),
                subject=self.state.subject,
                reply=reply,
                fault=None if hit is None else hit.in_words(),
            )
        )

    def mail(self) -> Envelope:
        """Return the envelope of the current mail."""
        assert self.envelope is not None
        return self.envelope

    def sender(self) -> str:
        """Return the sender of the current mail; "" for a bounce."""
        sender = self.mail().mail_from
        return "" if sender in (None, "<>") else str(sender)

    def peer(self) -> str:
        """Return the client's address and port."""
        assert self.session is not None
        name = self.session.peer
        return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else "gone"


_STEPS: dict[str, Step] = {
    "HELO": "ehlo", "EHLO": "ehlo", "MAIL": "mail", "RCPT": "rcpt", "DATA": "data",
}  # fmt: skip


def refuses(reply: str | None) -> bool:
    """Return True if a reply refuses a mail."""
    return reply is not None and reply.startswith(("4", "5"))

"""One SMTP connection, watched: what is said, which faults are played, and what goes wrong."""

# ruff: noqa: N802  # aiosmtpd finds its commands by these names

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, AnyStr, NoReturn, cast

from aiosmtpd.smtp import SMTP, Envelope

from local_smtp.crowd import Crowd
from local_smtp.dialogue import Dialogue
from local_smtp.fault_rules import EFFECTS, FaultInForce, Outcome, Step
from local_smtp.faults import Faults
from local_smtp.mail import readable
from local_smtp.models import Incident
from local_smtp.store import statements
from local_smtp.store.writer import Writer


class WatchedSession(SMTP):
    """A connection that writes its dialogue down, plays faults and reports refusals.

    The commands that it understands are those of `SmtpSession`.
    """

    def __init__(
        self,
        writer: Writer,
        faults: Faults,
        report: Callable[[Incident], None],
        crowd: Crowd,
        **options: Any,
    ) -> None:
        super().__init__(self, **options)
        self.mails = writer
        self.dialogue = Dialogue()
        self.hits: list[FaultInForce] = []
        """The rules that hit the mail under way."""
        self.recipient: str | None = None
        """The one that RCPT is about just now."""
        self.subject = ""
        self.step: Step | None = None
        self.refused = False
        """Whether the mail under way was counted as refused."""
        self.in_data = False
        self._faults = faults
        self._report = report
        self._crowd = crowd

    # What is said

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the client in."""
        self._crowd.heard(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Count the client out."""
        self._crowd.gone(self)
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """Write down what the client says, as it arrives."""
        self._crowd.heard(self)
        if not self.in_data:
            self.dialogue.client(data)
        super().data_received(data)

    async def push(self, status: AnyStr) -> None:
        """Send a reply; note it, and that a mail was refused if it says so."""
        reply = status if isinstance(status, str) else status.decode()
        self.dialogue.server(reply)
        if self.step is not None and _refuses(reply):
            hit = self.hits[-1] if self.hits and self.hits[-1].at == self.step else None
            self.note_incident(hit, reply=reply)
            if not self.refused:
                self.refused = True
                self.mails.change(statements.note_refusal)
        await super().push(status)

    async def smtp_AUTH(self, arg: str) -> None:
        """Keep passwords out of the dialogue."""
        self.dialogue.secret = True
        try:
            await super().smtp_AUTH(arg)
        finally:
            self.dialogue.secret = False

    # Faults and what went wrong

    async def play(self) -> Outcome | None:
        """Play the fault for this step; return what happens instead of the usual, if anything."""
        assert self.step is not None
        hit = self._faults.hit(self.step, self.sender(), self.recipients(), self.subject)
        if hit is None:
            return None
        self.hits.append(hit)
        self.dialogue.note(hit.in_words())
        outcome = EFFECTS[hit.do].outcome(hit)
        if not outcome.store and not _refuses(outcome.reply):  # these are noted with what follows
            self.note_incident(hit)
        if outcome.pause:
            self._reset_timeout(outcome.pause + self._timeout_duration)
            await asyncio.sleep(outcome.pause)
        if outcome.go_on:
            return None
        if outcome.reply is None and not outcome.store:
            self.hang_up()
        return outcome

    def note_incident(
        self, hit: FaultInForce | None, reply: str | None = None, message: int | None = None
    ) -> None:
        """Report a refusal or a fault."""
        assert self.step is not None
        self._report(
            Incident(
                at=time.time(),
                step=self.step,
                peer=self.peer(),
                sender=readable(self.sender()),
                recipients=[readable(recipient) for recipient in self.recipients()],
                subject=self.subject,
                reply=reply,
                rule_id=None if hit is None else hit.id,
                fault=None if hit is None else hit.in_words(),
                message=message,
                dialogue=list(self.dialogue.lines),
            )
        )

    def hang_up(self) -> NoReturn:
        """Close the connection and end its task."""
        if self.transport is not None:
            self.transport.close()
        raise asyncio.CancelledError

    def cut_off(self) -> None:
        """End the connection at once."""
        if self.transport is not None:
            cast(asyncio.Transport, self.transport).abort()

    def _timeout_cb(self) -> None:
        # The parent's close() would wait for a client that reads nothing to read the last reply.
        self.cut_off()

    @contextmanager
    def at(self, step: Step) -> Iterator[None]:
        """Be at a step of the dialogue."""
        self.step = step
        try:
            yield
        finally:
            self.step = None
            self.recipient = None

    def peer(self) -> str:
        """Return the client's address and port."""
        assert self.session is not None
        name = self.session.peer
        return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else str(name)

    def mail(self) -> Envelope:
        """Return the envelope of the mail under way."""
        assert self.envelope is not None
        return self.envelope

    def sender(self) -> str:
        """Return the sender of the mail under way; the null sender is the empty string."""
        return "" if self.mail().mail_from in (None, "<>") else str(self.mail().mail_from)

    def recipients(self) -> tuple[str, ...]:
        """Return the recipients of the mail under way, or the one that RCPT is about."""
        return tuple(self.mail().rcpt_tos) if self.recipient is None else (self.recipient,)


def _refuses(reply: str | None) -> bool:
    return reply is not None and reply.startswith(("4", "5"))

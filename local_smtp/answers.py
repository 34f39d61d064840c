"""What the server says at each step of a dialogue: the usual, or what a fault wants."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from local_smtp.budget import Budget
from local_smtp.connection import Connection, HungUp
from local_smtp.crowd import Crowd
from local_smtp.fault_rules import EFFECTS, Fault, Outcome, Step
from local_smtp.faults import Faults
from local_smtp.models import Incident
from local_smtp.store import statements
from local_smtp.store.writer import Writer


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
    """The mail under way."""

    sender: str | None = None
    """None before MAIL; the empty string for a bounce."""
    recipients: list[str] = field(default_factory=list)
    subject: str = ""
    hits: list[Fault] = field(default_factory=list)
    """The rules that hit it."""
    refused: bool = False
    """Whether it was counted as refused."""


class Answers:
    """Answers one client, plays faults, and counts and reports what is refused."""

    def __init__(self, connection: Connection, around: Surroundings) -> None:
        self._connection = connection
        self._around = around
        self.mail = Transaction()

    async def usual(self, step: Step, usual: str) -> bool:
        """Say the usual, unless a fault wants something else; return whether it was said."""
        outcome = await self.play(step)
        if outcome is None:
            await self._connection.say(usual)
            return True
        await self.instead(step, outcome)
        return False

    async def play(self, step: Step) -> Outcome | None:
        """Play the fault for this step; return what happens instead of the usual, if anything."""
        mail = self.mail
        hit = self._around.faults.hit(step, mail.sender or "", mail.recipients, mail.subject)
        if hit is None:
            return None
        mail.hits.append(hit)
        self._connection.note("#", hit.in_words())
        outcome = EFFECTS[hit.do].outcome(hit)
        if outcome.go_on or not (outcome.store or _refuses(outcome.reply)):
            self.report(step, hit)
        await asyncio.sleep(outcome.pause)
        return None if outcome.go_on else outcome

    async def instead(self, step: Step, outcome: Outcome) -> None:
        """Say what a fault wants.

        Raises:
            HungUp: it wants the connection closed without a word.
        """
        if outcome.reply is None:
            raise HungUp
        if _refuses(outcome.reply):
            await self.refuse(step, outcome.reply, self.mail.hits[-1])
        else:
            await self._connection.say(outcome.reply)

    async def refuse(self, step: Step, reply: str, hit: Fault | None = None) -> None:
        """Turn the mail under way down, or one of its recipients; count it once."""
        self.report(step, hit, reply)
        if not self.mail.refused:
            self.mail.refused = True
            self._around.writer.change(statements.note_refusal)
        await self._connection.say(reply)

    def report(
        self, step: Step, hit: Fault | None, reply: str | None = None, message: int | None = None
    ) -> None:
        """Report a refusal or a fault; `message` is the mail that was stored all the same."""
        self._around.report(
            Incident(
                at=time.time(),
                step=step,
                peer=self._connection.peer,
                sender=self.mail.sender or "",
                recipients=self.mail.recipients,
                subject=self.mail.subject,
                reply=reply,
                rule_id=None if hit is None else hit.id,
                fault=None if hit is None else hit.in_words(),
                message=message,
            )
        )


def _refuses(reply: str | None) -> bool:
    return reply is not None and reply.startswith(("4", "5"))

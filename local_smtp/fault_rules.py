"""Fault rules: what they say, and what makes no sense."""

from collections.abc import Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Step(StrEnum):
    """Where in a session a rule acts: at its start, before a command is answered, or after
    the mail has been taken in (`reply`)."""

    CONNECT = "connect"
    EHLO = "ehlo"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    REPLY = "reply"


class Effect(StrEnum):
    """What a rule does."""

    WAIT = "wait"
    """Go on after some seconds."""
    ANSWER = "answer"
    """Refuse with a code and a text."""
    CLOSE = "close"
    """Close the connection without a word."""
    HANG = "hang"
    """Say nothing until the client gives up."""
    DROP_REPLY = "drop_reply"
    """Store the mail, then close the connection instead of answering (RFC 1047)."""
    LOSE = "lose"
    """Answer 250 and store nothing: a server that lies."""


_KNOWN_AT = {
    Step.CONNECT: frozenset[str](),
    Step.EHLO: frozenset[str](),
    Step.MAIL: frozenset({"from"}),
    Step.RCPT: frozenset({"from", "to"}),
    Step.DATA: frozenset({"from", "to"}),
    Step.REPLY: frozenset({"from", "to", "subject"}),
}

_ONE_LINE = r"^[^\x00-\x1f\x7f]*$"


class Match(BaseModel):
    """Which mails a rule is for: shell patterns (case is ignored) and a count.

    `nth` and `every` count what matches otherwise and reaches the rule's step.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    to: str = "*"
    sender: Annotated[str, Field(alias="from")] = "*"
    subject: str = "*"
    nth: Annotated[int, Field(ge=1)] | None = None
    every: Annotated[int, Field(ge=1)] | None = None

    def takes(self, sender: str, recipients: Sequence[str], subject: str) -> bool:
        """Return whether a mail, as far as it is known yet, is one of these."""
        return (
            _like(sender, self.sender)
            and _like(subject, self.subject)
            and (self.to == "*" or any(_like(recipient, self.to) for recipient in recipients))
        )


class Fault(BaseModel):
    """One rule."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    at: Step
    do: Effect
    seconds: Annotated[float, Field(ge=0, le=3600)] = 1.0
    """For `wait`."""
    code: Annotated[int, Field(ge=400, le=599)] = 451
    """For `answer`."""
    text: Annotated[str, Field(max_length=400, pattern=_ONE_LINE)] = "try again later"
    """For `answer`."""
    match: Match = Match()
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0
    times: Annotated[int, Field(ge=0)] | None = None
    """The most it hits; none for no end."""
    seed: int | None = None
    """The same seed draws the same mails; none draws anew each time."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.do in (Effect.DROP_REPLY, Effect.LOSE) and self.at is not Step.REPLY:
            raise ValueError(f'"{self.do}" is about a whole mail: it needs "at": "reply"')
        patterns = {"from": self.match.sender, "to": self.match.to, "subject": self.match.subject}
        for name, pattern in patterns.items():
            if pattern != "*" and name not in _KNOWN_AT[self.at]:
                raise ValueError(f'"{name}" of a mail is not known yet at "{self.at}"')
        return self

    def in_words(self) -> str:
        """Return what the rule does, for people."""
        match self.do:
            case Effect.WAIT:
                what = f"wait {self.seconds:g} s"
            case Effect.ANSWER:
                what = f"answer {self.code} {self.text}"
            case Effect.DROP_REPLY:
                what = "store it and drop the reply"
            case Effect.LOSE:
                what = "answer 250 and lose it"
            case _:
                what = str(self.do)
        return f"at {self.at}: {what}"


class FaultToPut(Fault):
    """A rule to put in force: a new one, or one that is in force already, told by its `id`."""

    id: int | None = None
    hits: int = 0
    """Not used: there so that what was read can be put back."""


class FaultInForce(Fault):
    """A rule with its number and how often it has hit."""

    id: int
    hits: int


def _like(value: str, pattern: str) -> bool:
    return pattern == "*" or fnmatchcase(value.lower(), pattern.lower())

"""What can be made to go wrong, and the rules that ask for it.

A new fault is one row in `EFFECTS`: the API checks rules against that table, the page makes
its form from it, and a session plays the outcome that the row's function returns.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

OK = "250 2.0.0 OK"
FOREVER = 10 * 365 * 24 * 3600.0  # seconds

Step = Literal["connect", "ehlo", "mail", "rcpt", "data", "reply"]
"""Where in a session a rule acts: before a command is answered, or after the mail was read."""


@dataclass(frozen=True, slots=True)
class StepInfo:
    """A step for people, and what of a mail is known there to match by."""

    label: str
    known: tuple[str, ...] = ()


STEPS: dict[str, StepInfo] = {
    "connect": StepInfo("on connect"),
    "ehlo": StepInfo("at EHLO"),
    "mail": StepInfo("at MAIL", ("from",)),
    "rcpt": StepInfo("at RCPT", ("from", "to")),
    "data": StepInfo("at DATA", ("from", "to")),
    "reply": StepInfo("after the mail", ("from", "to", "subject")),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happens instead of the usual."""

    reply: str | None = None
    """What the server says; None closes the connection without a word."""
    pause: float = 0.0
    """Seconds before anything is said."""
    go_on: bool = False
    """After the pause all goes on as usual; `reply` and `store` mean nothing then."""
    store: bool = False
    """The mail is stored all the same."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One kind of fault."""

    label: str
    """Its name on the page."""
    outcome: Callable[["Fault"], Outcome]
    """What happens when a rule of this kind hits."""
    words: str = ""
    """What a rule does, with its fields in braces; the label where this is empty."""
    uses: tuple[str, ...] = ()
    """The fields of a rule that mean something to it."""
    whole_mail: bool = False
    """It can only act once the mail was read."""


EFFECTS = {
    "wait": Effect(
        "wait",
        lambda rule: Outcome(pause=rule.seconds, go_on=True),
        words="wait {seconds} s",
        uses=("seconds",),
    ),
    "answer": Effect(
        "refuse",
        lambda rule: Outcome(f"{rule.code} {rule.text}"),
        words="answer {code} {text}",
        uses=("code", "text"),
    ),
    "close": Effect("close the connection", lambda rule: Outcome()),
    "hang": Effect("hang", lambda rule: Outcome(pause=FOREVER)),
    # The client cannot know whether its mail was taken (RFC 1047).
    "drop_reply": Effect(
        "store it, then drop the reply", lambda rule: Outcome(store=True), whole_mail=True
    ),
    # A server that lies.
    "lose": Effect("answer 250 and lose it", lambda rule: Outcome(OK), whole_mail=True),
}


def _known_effect(name: str) -> str:
    if name not in EFFECTS:
        raise ValueError(f'"{name}" is no effect; the known ones are {", ".join(EFFECTS)}')
    return name


# With a length to check, pydantic also refuses half a surrogate pair, which JSON can spell.
Text = Annotated[str, Field(max_length=400)]


class Match(BaseModel):
    """Which mails a rule is for: shell patterns (case is ignored) and a count.

    `nth` and `every` count what matches otherwise and reaches the rule's step.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    to: Text = "*"
    sender: Annotated[Text, Field(alias="from")] = "*"
    subject: Text = "*"
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
    do: Annotated[
        str, AfterValidator(_known_effect), Field(json_schema_extra={"enum": list(EFFECTS)})
    ]
    seconds: Annotated[float, Field(ge=0, le=3600)] = 1.0
    code: Annotated[int, Field(ge=400, le=599)] = 451
    text: Annotated[Text, Field(pattern=r"^[^\x00-\x1f\x7f]*$")] = "try again later"
    match: Match = Match()
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0
    times: Annotated[int, Field(ge=0)] | None = None
    """The most it hits; None for no end."""
    seed: int | None = None
    """The same seed hits the same mails; None hits others each time."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if EFFECTS[self.do].whole_mail and self.at != "reply":
            raise ValueError(f'"{self.do}" is about a whole mail: it needs "at": "reply"')
        patterns = {"from": self.match.sender, "to": self.match.to, "subject": self.match.subject}
        for name, pattern in patterns.items():
            if pattern != "*" and name not in STEPS[self.at].known:
                raise ValueError(f'"{name}" of a mail is not known yet at "{self.at}"')
        return self

    def in_words(self) -> str:
        """Return what the rule does, for people."""
        effect = EFFECTS[self.do]
        return f"at {self.at}: {(effect.words or effect.label).format_map(self.model_dump())}"


class FaultToPut(Fault):
    """A rule to put in force: a new one, or with its `id` one that is in force already."""

    id: int | None = None
    hits: int = 0
    """Not used: there so that what was read can be put back."""


class FaultInForce(Fault):
    """A rule with its number and how often it has hit."""

    id: int
    hits: int

    def in_words(self) -> str:
        """Return which rule it is and what it does, for people."""
        return f"rule {self.id}, {super().in_words()}"


def _like(value: str, pattern: str) -> bool:
    return pattern == "*" or fnmatchcase(value.lower(), pattern.lower())

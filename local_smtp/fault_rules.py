"""What can be made to go wrong, and the rules that ask for it.

A new fault is one row in `EFFECTS`: the API checks rules against that table, the page offers
what it holds, and a session plays the outcome that the row's function returns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

OK = "250 2.0.0 OK"
_FOREVER = 3600.0  # seconds: longer than any client waits

#: Where in a session a rule acts: before a command is answered, or after the mail was read.
Step = Literal["connect", "ehlo", "mail", "rcpt", "data", "reply"]


KNOWN_AT: dict[Step, tuple[str, ...]] = {
    "connect": (),
    "ehlo": (),
    "mail": ("from",),
    "rcpt": ("from", "to"),
    "data": ("from", "to"),
    "reply": ("from", "to", "subject"),
}
"""What of a mail is known at each step, to match it by."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happens instead of the usual."""

    #: What the server says; None closes the connection without a word.
    reply: str | None = None
    #: Seconds before anything is said.
    pause: float = 0.0
    #: After the pause all goes on as usual; `reply` and `store` mean nothing then.
    go_on: bool = False
    #: The mail is stored all the same.
    store: bool = False


@dataclass(frozen=True, slots=True)
class Effect:
    """One kind of fault."""

    #: What it does, for people; with fields of the rule in braces.
    words: str
    #: What happens when a rule of this kind hits.
    outcome: Callable[[Fault], Outcome]
    #: It can only act once the mail was read.
    whole_mail: bool = False


EFFECTS = {
    "wait": Effect("wait {seconds} s", lambda rule: Outcome(pause=rule.seconds, go_on=True)),
    "answer": Effect("answer {code} {text}", lambda rule: Outcome(f"{rule.code} {rule.text}")),
    "close": Effect("close the connection", lambda rule: Outcome()),
    "hang": Effect("hang", lambda rule: Outcome(pause=_FOREVER)),
    # The client cannot know whether its mail was taken (RFC 1047).
    "drop_reply": Effect("store it, then drop the reply", lambda rule: Outcome(store=True), True),
    # A server that lies.
    "lose": Effect("answer 250 and lose it", lambda rule: Outcome(OK), True),
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

    def patterns(self) -> dict[str, str]:
        """What of a mail has to be like what, by the names that a rule is written with."""
        patterns = {"from": self.sender, "to": self.to, "subject": self.subject}
        return {name: pattern for name, pattern in patterns.items() if pattern != "*"}

    def takes(self, sender: str, recipients: Sequence[str], subject: str) -> bool:
        """Whether a mail, as far as it is known yet, is one of these."""
        known = {"from": [sender], "to": recipients, "subject": [subject]}
        return all(
            any(fnmatchcase(text.lower(), pattern.lower()) for text in known[name])
            for name, pattern in self.patterns().items()
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
    #: The most it hits; None for no end.
    times: Annotated[int, Field(ge=0)] | None = None
    #: The same seed hits the same mails; None hits others each time.
    seed: int | None = None
    #: Given when it is put in force; put back under it unchanged, a rule keeps its count.
    id: int | None = None
    hits: int = 0

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if EFFECTS[self.do].whole_mail and self.at != "reply":
            raise ValueError(f'"{self.do}" is about a whole mail: it needs "at": "reply"')
        for name in self.match.patterns():
            if name not in KNOWN_AT[self.at]:
                raise ValueError(f'"{name}" of a mail is not known yet at "{self.at}"')
        return self

    def in_words(self, translated: Callable[[str], str] = str) -> str:
        """Which rule it is and what it does, for people; translated: into their language."""
        what = translated(EFFECTS[self.do].words).format_map(dict(self))
        return translated("rule {id}, at {at}: {what}").format(id=self.id, at=self.at, what=what)

    def condition(self, translated: Callable[[str], str] = str) -> str:
        """Which mails the rule hits, for people; empty if all."""
        parts = [f"{translated(name)} {like}" for name, like in self.match.patterns().items()]
        counts = {
            "only number {n}": self.match.nth,
            "one in {n}": self.match.every,
            "with probability {n}": f"{self.probability:g}" if self.probability < 1 else None,
            "at most {n} times": self.times,
        }
        parts += [translated(words).format(n=n) for words, n in counts.items() if n is not None]
        return ", ".join(parts)

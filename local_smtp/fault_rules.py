"""The kinds of faults, and the rules that request them.

To add a kind, add a row to the table `EFFECTS`. The API validates rules with this table, and the
page offers its rows. A session carries out the `Outcome` that the row's function returns.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

OK = "250 2.0.0 OK"
_FOREVER = 3600.0  # seconds: longer than any client waits

#: The step of a session at which a rule acts: before the greeting ("connect"), before the reply to
#: a command, or after the whole mail was read and before its reply ("reply").
Step = Literal["connect", "ehlo", "mail", "rcpt", "data", "reply"]


KNOWN_AT: dict[Step, tuple[str, ...]] = {
    "connect": (),
    "ehlo": (),
    "mail": ("from",),
    "rcpt": ("from", "to"),
    "data": ("from", "to"),
    "reply": ("from", "to", "subject"),
}
"""The parts of a mail that are known at each step, for matching."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The behaviour of a session for one fault: a pause, then a reply, a close, or no change."""

    #: The reply; None to close the connection without a reply.
    reply: str | None = None
    #: Seconds before the reply or the close.
    pause: float = 0.0
    #: True to continue as usual after the pause; `reply` and `store` are then ignored.
    go_on: bool = False
    #: True to store the mail and close the connection without a reply.
    store: bool = False


@dataclass(frozen=True, slots=True)
class Effect:
    """One kind of fault."""

    #: The description of the effect, with fields of the rule in braces.
    words: str
    #: Returns the outcome of a rule of this kind.
    outcome: Callable[["Fault"], Outcome]
    #: True if the effect needs the whole mail. A rule can use such an effect only at "reply".
    whole_mail: bool = False


EFFECTS = {
    "wait": Effect("wait {seconds} s", lambda rule: Outcome(pause=rule.seconds, go_on=True)),
    "answer": Effect("answer {code} {text}", lambda rule: Outcome(f"{rule.code} {rule.text}")),
    "close": Effect("close the connection", lambda rule: Outcome()),
    "hang": Effect("hang", lambda rule: Outcome(pause=_FOREVER)),
    # Without a reply, the client does not know if its mail was accepted (RFC 1047).
    "drop_reply": Effect("store it, then drop the reply", lambda rule: Outcome(store=True), True),
    # Simulates a server that acknowledges a mail and loses it.
    "lose": Effect("answer 250 and lose it", lambda rule: Outcome(OK), True),
}


# With a maximum length, pydantic also refuses lone surrogates.
Text = Annotated[str, Field(max_length=400)]


class Match(BaseModel):
    """The condition of a rule: shell patterns (case is ignored), and a count of the matches.

    A match is counted when a mail reaches the rule's step, matches all patterns, and is not hit by
    an earlier rule.

    Attributes:
        nth: hit only the match with this number, from 1.
        every: hit only the matches whose number is a multiple of this value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    to: Text = "*"
    sender: Annotated[Text, Field(alias="from")] = "*"
    subject: Text = "*"
    nth: Annotated[int, Field(ge=1)] | None = None
    every: Annotated[int, Field(ge=1)] | None = None

    def patterns(self) -> dict[str, str]:
        """Return the patterns other than "*", by field: "from", "to" or "subject"."""
        patterns = {"from": self.sender, "to": self.to, "subject": self.subject}
        return {name: pattern for name, pattern in patterns.items() if pattern != "*"}

    def takes(self, sender: str, recipients: Sequence[str], subject: str) -> bool:
        """Return True if a mail matches all patterns. One recipient that matches is enough."""
        known = {"from": [sender], "to": recipients, "subject": [subject]}
        return all(
            any(fnmatchcase(text.lower(), pattern.lower()) for text in known[name])
            for name, pattern in self.patterns().items()
        )


class Fault(BaseModel):
    """A rule: an effect, the step at which it acts, and the mails that it applies to."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    at: Step
    do: Literal[tuple(EFFECTS)]  # type: ignore[valid-type]
    seconds: Annotated[float, Field(ge=0, le=3600)] = 1.0
    code: Annotated[int, Field(ge=400, le=599)] = 451
    text: Annotated[Text, Field(pattern=r"^[^\x00-\x1f\x7f]*$")] = "try again later"
    match: Match = Match()
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0
    #: Maximum number of hits; None for no limit.
    times: Annotated[int, Field(ge=0)] | None = None
    #: Seed of the random choice by `probability`; None for a different choice in each run.
    seed: int | None = None
    #: Set by the server. A rule keeps its counts if it is sent again with its id and no changes.
    id: int | None = None
    hits: int = 0

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if EFFECTS[self.do].whole_mail and self.at != "reply":
            raise ValueError(f'"{self.do}" applies to a whole mail, so it needs "at": "reply"')
        for name in self.match.patterns():
            if name not in KNOWN_AT[self.at]:
                known = next(step for step, names in KNOWN_AT.items() if name in names)
                raise ValueError(
                    f'The rule matches "{name}", which is not known yet at the step "{self.at}". '
                    f'Use "at": "{known}" or a later step'
                )
        return self

    def in_words(self, translated: Callable[[str], str] = str) -> str:
        what = translated(EFFECTS[self.do].words).format_map(dict(self))
        return translated("rule {id}, at {at}: {what}").format(id=self.id, at=self.at, what=what)

    def condition(self, translated: Callable[[str], str] = str) -> str:
        """Return a description of the mails that the rule hits; "" for all."""
        parts = [f"{translated(name)} {like}" for name, like in self.match.patterns().items()]
        counts = {
            "only number {n}": self.match.nth,
            "one in {n}": self.match.every,
            "with probability {n}": f"{self.probability:g}" if self.probability < 1 else None,
            "at most {n} times": self.times,
        }
        parts += [translated(words).format(n=n) for words, n in counts.items() if n is not None]
        return ", ".join(parts)

"""The consumer's state machine: it claims until its queues are empty, then it waits.

Jobs are claimed by the script `claim`, or by `take` for consumers without acknowledgement. The
machine has three states:

- *claiming*: at least one script has not been sent in this round. It is sent now.
- *waiting*: no script has found a job in this round. BLPOP waits for a token (see `notify` in
  ``_prelude.lua``), which wakes one worker. The wait does not remove a job from its queue.
- *draining*: the consumer does not claim any more. No command is sent.

A claimed job, a token, the end of a wait, a new queue and a broken connection begin a new round.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

#: Longest wait for a token (seconds) after `Reason.SOON`: a job may be ready without a token.
_SOON = 1.0


class Reason(StrEnum):
    """The reasons for an unusual wait after a script has found no job."""

    PAUSED = "paused"  # a paused worker must not use up tokens
    SOON = "soon"  # a job in quarantine (see _claims.lua) waits, or Redis refuses


@dataclass(frozen=True, slots=True)
class Claiming:
    """A command: run a script that claims jobs from these queues."""

    script: str
    queues: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A command: wait for a token of one of these queues.

    Attributes:
        seconds: the longest wait.
    """

    queues: tuple[str, ...]
    seconds: float


@dataclass(slots=True)
class ConsumerState:
    """The state machine.

    Attributes:
        found_nothing: the scripts that found no job in this round, each with its reason for an
            unusual wait (or None).
    """

    found_nothing: dict[str, Reason | None] = field(default_factory=dict)

    def next_command(
        self, scripts: Mapping[str, Sequence[str]], longest: float
    ) -> Claiming | Waiting | None:
        """Return the next command, or None while draining.

        Args:
            scripts: each script that claims, with the queues from which it claims.
            longest: longest wait (seconds).
        """
        open_ones = {name: tuple(queues) for name, queues in scripts.items() if queues}
        if not open_ones:
            return None
        for name, queues in open_ones.items():
            if name not in self.found_nothing:
                return Claiming(name, queues)
        reasons = [self.found_nothing[name] for name in open_ones]
        awaited: list[str] = []
        for name, queues in open_ones.items():
            if self.found_nothing[name] is not Reason.PAUSED:
                awaited += queues
        return Waiting(tuple(awaited), min(longest, _SOON) if Reason.SOON in reasons else longest)

    def replied(self, script: str, reply: Sequence[str]) -> bool:
        """Record the reply of a script that claims. Return True if the script has found a job."""
        if len(reply) > 1:
            self.begin()
            return True
        self.nothing(script, Reason(reply[0]) if reply else None)
        return False

    def nothing(self, script: str, reason: Reason | None = None) -> None:
        self.found_nothing[script] = reason

    def begin(self) -> None:
        """Begin a new round, in which each script is sent again."""
        self.found_nothing.clear()

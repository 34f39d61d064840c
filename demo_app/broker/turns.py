"""Which command a consumer sends next: it claims until its queues are empty, then it waits.

Three states follow from what the last commands brought:

- *claiming*: a script has not been tried since something may have changed. It is sent.
- *waiting*: every script has found nothing. BLPOP waits for a token (see `notify` in
  ``_prelude.lua``), which ends the wait of one worker. Waiting takes no job.
- *draining*: the consumer claims from no queue any more. Nothing is sent.

A claim, a token, the end of a wait, a new queue and a broken connection begin a new round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

#: Seconds until the next claim when one may succeed soon though no token will come.
_SOON = 1.0


class Reason(StrEnum):
    """Why a script that found nothing asks for another wait than the usual one."""

    PAUSED = "paused"  # this worker takes no token: they are for others
    SOON = "soon"  # a suspect is there, or Redis refuses


@dataclass(frozen=True, slots=True)
class Claiming:
    """Send a script. queues: what it takes from."""

    script: str
    queues: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Wait for a token. queues: of which jobs. seconds: at most."""

    queues: tuple[str, ...]
    seconds: float


@dataclass(slots=True)
class Turns:
    """See the module. found_nothing: the scripts tried in this round, each with its reason."""

    found_nothing: dict[str, Reason | None] = field(default_factory=dict)

    def next_command(
        self, scripts: Mapping[str, Sequence[str]], longest: float
    ) -> Claiming | Waiting | None:
        """Return what to send; None for nothing.

        Args:
            scripts: each script that claims, with the queues that it takes from.
            longest: how long a wait may last (seconds).
        """
        open_ones = {name: tuple(queues) for name, queues in scripts.items() if queues}
        if not open_ones:
            return None
        for name, queues in open_ones.items():
            if name not in self.found_nothing:
                return Claiming(name, queues)
        reasons = [self.found_nothing[name] for name in open_ones]
        awaited = [
            queue
            for name, queues in open_ones.items()
            if self.found_nothing[name] is not Reason.PAUSED
            for queue in queues
        ]
        return Waiting(tuple(awaited), min(longest, _SOON) if Reason.SOON in reasons else longest)

    def replied(self, script: str, reply: Sequence[str]) -> bool:
        """Note the reply of a script that claims; returns whether that has found something."""
        if len(reply) > 1:
            self.begin()
            return True
        self.nothing(script, Reason(reply[0]) if reply else None)
        return False

    def nothing(self, script: str, reason: Reason | None = None) -> None:
        """Note that a script has found nothing."""
        self.found_nothing[script] = reason

    def begin(self) -> None:
        """Begin a new round: every script may find something."""
        self.found_nothing.clear()

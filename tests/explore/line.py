"""The line between a process and Redis, and its clock: all that comes to it from outside.

A process can be halted at each command that it sends. It is not kept on a stack: its step is run
anew later, from where the step began, with the answers that it had got and the moments at which it
had got them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import redis

#: The modules of these packages get their time from here.
_TIMED = ("demo_app.broker", "demo_app.blog", "demo_app.jobs", "demo_app.tasks")


class Halted(BaseException):
    """The process was stopped in the middle of its step."""


@dataclass
class Clock:
    """Takes the place of the module `time`. now: true seconds. skew: of this process's clock."""

    now: float = 1e9
    skew: float = 0.0

    def monotonic(self) -> float:
        """No clock jumps here."""
        return self.now

    def time(self) -> float:
        """What this machine takes for the time."""
        return self.now + self.skew

    def sleep(self, seconds: float) -> None:
        """Who waits for Redis asks again at once."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one of a step's commands. at: which of them; 0 is the first.

    what: "halt" (before the first command, or when the answer of command at - 1 is on its way),
    "unsent" (the command never reached Redis), "unanswered" (it was done; the answer is
    lost), "refused" (its server is a replica now, or full).
    """

    what: str
    at: int


#: What goes wrong at a command, as a fault of which kind.
AT_COMMANDS = {"halt": "halt", "unsent": "lose", "unanswered": "lose", "refused": "refuse"}


@dataclass
class Line:
    """See the module. clock: the running process's. sent: commands of the step at hand."""

    clock: Clock = field(default_factory=Clock)
    fault: Fault | None = None
    sent: int = 0
    #: Of the step at hand, what was answered, and when. While `past` is longer than `sent`, the
    #: step is being run anew.
    past: list[tuple[Any, float]] = field(default_factory=list)
    present: float = 0.0

    def begin(self, fault: Fault | None, past: list[tuple[Any, float]], present: float) -> None:
        """A step begins, or one that was halted is run anew."""
        self.fault, self.past, self.sent, self.present = fault, list(past), 0, present

    def carry(self, ask: Callable[[], Any]) -> Any:
        """A command and its answer."""
        number, self.sent = self.sent, self.sent + 1
        if number < len(self.past):
            answer, _ = self.past[number]
            after = number + 1
            self.clock.now = self.past[after][1] if after < len(self.past) else self.present
        else:
            self.clock.now = self.present
            answer = self._ask(number, ask)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _ask(self, number: int, ask: Callable[[], Any]) -> Any:
        here = self.fault if self.fault and self.fault.at == number else None
        if here and here.what == "halt" and number == 0:
            raise Halted
        answer: Any
        if here and here.what == "unsent":
            answer = redis.ConnectionError("not sent")
        elif here and here.what == "refused":
            answer = redis.ResponseError("READONLY You can't write against a read only replica.")
        else:
            try:
                answer = ask()
            except redis.ResponseError as error:
                answer = error
            if here and here.what == "unanswered":
                answer = redis.ConnectionError("not answered")
        self.past.append((answer, self.clock.now))
        if self.fault == Fault("halt", number + 1):
            raise Halted
        return answer


#: The one line: steps are taken one after the other.
LINE = Line()


@contextmanager
def virtual_time() -> Iterator[None]:
    """Within the block the project's own modules get their time from the line's clock."""
    found = [
        module
        for name, module in sys.modules.items()
        if name.startswith(_TIMED) and getattr(module, "time", None) is time
    ]
    for module in found:
        module.time = LINE.clock  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for module in found:
            module.time = time  # type: ignore[attr-defined]

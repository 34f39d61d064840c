"""The connection from a process to Redis (its line), and the clock of the process.

A process has no other input. It can be halted at each of its commands. Its stack is not saved: the
step is run again later from its start, with the stored replies and the times at which they arrived.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import redis

from demo_app.jobs.perform import JobTimeout

#: Prefixes of the modules in which the line's clock replaces the module `time`.
_TIMED = ("demo_app.broker", "demo_app.blog", "demo_app.jobs", "demo_app.tasks")


class Halted(JobTimeout):
    """Raised when the process is halted in the middle of its step.

    A JobTimeout, since `perform` reports any other error of a job as the job's failure.
    """


@dataclass
class Clock:
    """A replacement for the module `time`.

    Attributes:
        now: the true time (seconds).
        skew: difference between `time()` and the true time (seconds).
    """

    now: float = 1e9
    skew: float = 0.0

    def monotonic(self) -> float:
        """Return the true time (seconds). Unlike `time()` it does not include the skew."""
        return self.now

    def time(self) -> float:
        return self.now + self.skew

    def sleep(self, seconds: float) -> None:
        """Do nothing: a process that waits for Redis tries again immediately."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault at one of a step's commands.

    Attributes:
        at: the command's number, from 0.
        what: "halt" (if at is 0, the process is halted before it sends its first command; otherwise
            after Redis has run command at - 1, and before the reply arrives), "unsent" (the command
            never reaches Redis), "unanswered" (Redis runs the command, and the reply is lost),
            "refused" (Redis rejects the command, as a replica or a full server does).
    """

    what: str
    at: int


#: The kinds of faults at a command, each with the field of `Faults` that limits their number.
AT_COMMANDS = {"halt": "halt", "unsent": "lose", "unanswered": "lose", "refused": "refuse"}


@dataclass
class Line:
    """The connection of the running process to Redis.

    Attributes:
        clock: the clock of the running process.
        sent: number of commands that this step has sent or replayed.
        present: the time of the world (seconds).
    """

    clock: Clock = field(default_factory=Clock)
    fault: Fault | None = None
    sent: int = 0
    #: The replies of the current step, and when they arrived. While `past` is longer than `sent`,
    #: the step is being run again.
    past: list[tuple[Any, float]] = field(default_factory=list)
    present: float = 0.0

    def begin(self, fault: Fault | None, past: list[tuple[Any, float]], present: float) -> None:
        self.fault, self.past, self.sent, self.present = fault, list(past), 0, present

    def carry(self, command: Callable[[], Any]) -> Any:
        """Run a command, or replay its stored reply if the step is run again.

        Return the reply, or raise it if it is an error.
        """
        number, self.sent = self.sent, self.sent + 1
        if number < len(self.past):
            answer, _ = self.past[number]
            after = number + 1
            self.clock.now = self.past[after][1] if after < len(self.past) else self.present
        else:
            self.clock.now = self.present
            answer = self._send(number, command)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _send(self, number: int, command: Callable[[], Any]) -> Any:
        here = self.fault if self.fault and self.fault.at == number else None
        if here and here.what == "halt" and number == 0:
            raise Halted
        if here and here.what == "unsent":
            answer = redis.ConnectionError("not sent")
        elif here and here.what == "refused":
            answer = redis.ResponseError("READONLY You can't write against a read only replica.")
        else:
            try:
                answer = command()
            except redis.ResponseError as error:
                answer = error
            if here and here.what == "unanswered":
                answer = redis.ConnectionError("not answered")
        self.past.append((answer, self.clock.now))
        if self.fault == Fault("halt", number + 1):
            raise Halted
        return answer


#: The only instance of `Line`: the explorer takes one step at a time.
LINE = Line()


@contextmanager
def virtual_time() -> Iterator[None]:
    """Replace the module `time` in the project's own modules by the line's clock."""
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

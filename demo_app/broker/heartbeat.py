"""The heartbeat: a thread of every worker that does what has to be done twice a second.

No worker is special, so there is no master to lose: each renews its own lease, and looks after
everyone's jobs (`in_flight` has the steps). What the steps ask of Redis goes there in one script.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Any

import redis

from .asking import Asking
from .complaints import Complaints
from .lua import Call

log = logging.getLogger(__name__)

#: A step returns the seconds after which it wants to be done again, if that is sooner than usual.
Step = Asking[float | None]
#: Seconds until the next try when a step failed, at most.
_AGAIN = 0.2


def alone(act: Callable[[], None]) -> Step:
    """A step that asks nothing together with the others, and is done when they have been asked."""
    yield ()
    act()
    return None


class Heartbeat:
    """See the module. seconds: between two rounds. steps: gives those of the next round, by name.
    ask: asks what they ask together. begin: is called in the thread before its first round."""

    def __init__(
        self,
        seconds: float,
        steps: Callable[[], Mapping[str, Step]],
        ask: Callable[[Sequence[Call]], list[Any]],
        begin: Callable[[], object],
    ) -> None:
        self._seconds, self._steps, self._ask, self._begin = seconds, steps, ask, begin
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._pause, self._wanted, self._soon = 0.0, math.inf, False
        self._complaints = Complaints()

    def start(self) -> None:
        """Do a first round, or two if a step wants that, and go on from there.

        While Redis can't be reached, the thread goes on trying.
        """
        self._pause = self.round()
        if self._soon:  # what a dead worker held comes before the jobs behind it
            self._stopped.wait(self._pause)
            self._pause = self.round()
        self._thread.start()

    def stop(self) -> None:
        """Stop; the round at hand ends first."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)

    def round(self) -> float:
        """One round; returns the seconds until the next one.

        A step that fails does not end the others, and says so.
        """
        self._wanted = math.inf
        with ExitStack() as ends:  # an interrupt must leave no step, and no lock, in its middle
            steps = self._steps()
            for step in steps.values():
                ends.enter_context(closing(step))
            begun = {name: self._go_on(name, step) for name, step in steps.items()}
            calls = {name: call for name, call in begun.items() if call}
            answers = dict(zip(calls, self._answers([*calls.values()]), strict=True))
            for name, call in begun.items():
                if call is not None:
                    self._go_on(name, steps[name], answers.get(name))
        self._soon = self._wanted <= self._seconds
        return min(self._seconds, self._wanted)

    def _run(self) -> None:
        self._begin()
        while not self._stopped.wait(self._pause):
            self._pause = self.round()

    def _answers(self, calls: Sequence[Call]) -> list[Any]:
        try:
            return self._ask(calls) if calls else []
        except Exception as error:  # each step says of it what it has to say
            return [error for _ in calls]

    def _go_on(self, name: str, step: Step, answer: Any = None) -> Call | None:
        """Go on with a step until it asks, and return what; None when it has ended."""
        try:
            return step.throw(answer) if isinstance(answer, Exception) else step.send(answer)
        except StopIteration as end:
            self._wanted = min(self._wanted, math.inf if end.value is None else end.value)
        except redis.RedisError as error:
            # it is away, or refuses: a user without a right, a full disk; to others perhaps as well
            away = isinstance(error, redis.ConnectionError | redis.TimeoutError)
            what = "Redis does not answer" if away else "Redis refuses"
            text = f"{what} the heartbeat's step {name}: %s"
            self._complaints.say(log.warning if away else log.error, text, error)
            self._wanted = min(self._wanted, _AGAIN)
        except Exception as error:
            # a heartbeat that ends would make a live worker look dead
            text = f"The heartbeat's step {name} failed; the others go on"
            self._complaints.say(log.error, text, exc_info=error)
        return None

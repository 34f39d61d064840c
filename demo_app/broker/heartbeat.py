"""The heartbeat: a thread of every worker that does what has to be done twice a second.

No worker is special, so there is no master to lose: each renews its own lease, and looks after
everyone's jobs (`in_flight` has the steps).
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterable

import redis

from .complaints import Complaints

log = logging.getLogger(__name__)

#: A step returns the seconds after which it wants to be done again, if that is sooner than usual.
Step = Callable[[], float | None]
#: Seconds until the next try when a step failed, at most.
_AGAIN = 0.2


class Heartbeat:
    """See the module. seconds: between two rounds. steps: gives those of the next round.
    begin: is called in the thread before its first round."""

    def __init__(
        self, seconds: float, steps: Callable[[], Iterable[Step]], begin: Callable[[], object]
    ) -> None:
        self._seconds, self._steps, self._begin = seconds, steps, begin
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._pause, self._soon = 0.0, False
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
        wanted = [seconds for step in self._steps() if (seconds := self._try(step)) is not None]
        self._soon = min(wanted, default=math.inf) <= self._seconds
        return min([self._seconds, *wanted])

    def _run(self) -> None:
        self._begin()
        while not self._stopped.wait(self._pause):
            self._pause = self.round()

    def _try(self, step: Step) -> float | None:
        name = step.__name__.strip("_")
        try:
            return step()
        except redis.RedisError as error:
            # it is away, or refuses: a user without a right, a full disk; to others perhaps as well
            away = isinstance(error, redis.ConnectionError | redis.TimeoutError)
            what = "Redis does not answer" if away else "Redis refuses"
            text = f"{what} the heartbeat's step {name}: %s"
            self._complaints.say(log.warning if away else log.error, text, error)
            return _AGAIN
        except Exception as error:
            # a heartbeat that ends would make a live worker look dead
            text = f"The heartbeat's step {name} failed; the others go on"
            self._complaints.say(log.error, text, exc_info=error)
            return None

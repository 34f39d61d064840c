"""The heartbeat: a thread of every worker that runs the same steps twice a second by default.

No worker is special, so there is no master to lose: each worker renews its own lease and rescues
the jobs of dead workers (`in_flight` has the steps). The scripts of one round's steps are sent to
Redis together, in one round trip.
"""

import logging
import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import redis

from .lua import Call
from .throttled_log import ThrottledLog

log = logging.getLogger(__name__)

#: Longest pause (seconds) before the next round after an error of Redis.
_AGAIN = 0.2


class Step(NamedTuple):
    """One step of a round.

    Attributes:
        call: the script to send, with its arguments; () for none.
        handle: receives the reply (an exception if the script failed, None without a script), and
            returns the seconds until the next round, or None for the usual pause.
    """

    call: Call
    handle: Callable[[Any], float | None]


def without_script(act: Callable[[], None]) -> Callable[[], Step]:
    """Return a function that prepares a step which sends no script and only calls `act`.

    `act` is called after the scripts of the other steps, even if these scripts have failed.
    """
    return lambda: Step((), lambda _: act())


class Heartbeat:
    """A thread that runs the steps of a worker in rounds.

    Args:
        seconds: pause between two rounds.
        steps: returns, for the next round, a mapping from each step's name to a function that
            prepares the `Step`.
        send: sends scripts in one round trip, and returns the reply or the error of each.
        begin: is called once, in the thread, at its start.
    """

    def __init__(
        self,
        seconds: float,
        steps: Callable[[], Mapping[str, Callable[[], Step]]],
        send: Callable[[Sequence[Call]], list[Any]],
        begin: Callable[[], object],
    ) -> None:
        self._seconds, self._steps, self._send, self._begin = seconds, steps, send, begin
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._pause, self._next = 0.0, math.inf
        self._throttled = ThrottledLog()

    def start(self) -> None:
        """Run one round, or two if a step needs the next one soon. Then start the thread.

        After an error of Redis, the rounds of the thread try again.
        """
        self._pause = self.round()
        # the second round can rescue jobs of dead workers, before this worker claims newer jobs
        if self._next <= self._seconds:
            self._stopped.wait(self._pause)
            self._pause = self.round()
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)

    def round(self) -> float:
        """Run one round, and return the seconds until the next one.

        A failed step is logged, and the other steps still run.
        """
        self._next, steps = math.inf, dict[str, Step]()
        for name, prepare in self._steps().items():
            with self._logged(name):
                steps[name] = prepare()
        calls = [step.call for step in steps.values() if step.call]
        try:
            replies = iter(self._send(calls) if calls else [])
        except Exception as error:  # every step gets the error as its reply
            replies = iter([error] * len(calls))
        for name, step in steps.items():
            reply = next(replies) if step.call else None
            with self._logged(name):
                seconds = step.handle(reply)
                self._next = min(self._next, math.inf if seconds is None else seconds)
        return min(self._seconds, self._next)

    def _run(self) -> None:
        self._begin()
        while not self._stopped.wait(self._pause):
            self._pause = self.round()

    @contextmanager
    def _logged(self, name: str) -> Iterator[None]:
        try:
            yield
        except redis.RedisError as error:
            away = isinstance(error, redis.ConnectionError | redis.TimeoutError)
            what = "Redis does not answer" if away else "Redis refuses"
            text = f"{what} the heartbeat's step {name}: %s"
            self._throttled.log(log.warning if away else log.error, text, error)
            self._next = min(self._next, _AGAIN)
        except Exception as error:  # without a heartbeat, a live worker would look dead
            text = f"The heartbeat's step {name} failed; the others go on"
            self._throttled.log(log.error, text, exc_info=error)

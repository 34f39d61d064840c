"""A thread that repeats a step as long as there is something to do, and rests in between."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from demo_app.blog.database import Database

log = logging.getLogger(__name__)

#: Seconds of rest after a step that found nothing more, and before one that failed is tried again.
_REST, _PAUSE = 1.0, 0.5


class Loop:
    """See the module.

    step: returns whether there may be more to do at once, and raises when the queue can't be
    reached. database: whose connection the thread closes.
    """

    def __init__(self, step: Callable[[], int], database: Database) -> None:
        self._step, self._database = step, database
        self._wanted, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"relay {step.__name__}", daemon=True
        )
        #: What the step failed with; "" when it did not.
        self.failure = ""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """There is something to do."""
        self._wanted.set()

    def stop(self) -> None:
        """Stop after the current step."""
        self._stopping.set()
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    def _run(self) -> None:
        # a delete that a power failure takes back is done again: no sync that readers wait for
        self._database.sync_later()
        while not self._stopping.is_set():
            self._wanted.clear()
            self._wanted.wait(self._poll())
        self._database.close()

    def _poll(self) -> float:
        """Do the step; returns how long to rest, unless it is woken."""
        try:
            more = self._step()
        except Exception as error:  # whatever is wrong with the queue: the outbox keeps all
            if not self.failure:
                log.warning("The queue can't be reached, the outbox keeps its jobs: %s", error)
            self.failure = str(error) or type(error).__name__
            self._stopping.wait(_PAUSE)
            return 0.0
        self.failure = ""
        return 0.0 if more else _REST

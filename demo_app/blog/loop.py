"""A thread that repeats a step, and sleeps when there is nothing to do."""

import logging
import threading
from collections.abc import Callable

from demo_app.blog.database import Database

log = logging.getLogger(__name__)

#: Seconds to sleep after a step without work, and after a step that failed.
_IDLE, _AFTER_FAILURE = 1.0, 0.5


class Loop:
    """A thread that repeats a step.

    Args:
        step: returns a true value if there may be more work, and raises if the queue does not
            answer.
        database: the thread closes its connection to this database when it ends.
    """

    def __init__(self, step: Callable[[], int], database: Database) -> None:
        self._step, self._database = step, database
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"relay {step.__name__}", daemon=True
        )
        #: The error of the last step; "" if it succeeded.
        self.failure = ""

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._wake.set()

    def stop(self) -> None:
        """Stop the thread after its current step, and wait for its end (5 s at most)."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            self._wake.wait(self._poll())
        self._database.close()

    def _poll(self) -> float:
        """Run the step, and return the seconds to sleep. If it fails, pause and return 0."""
        try:
            # a sync after each delete would delay web requests, and is not needed: if a power
            # failure undoes a delete, the delete is repeated
            self._database.sync_later()
            more = self._step()
        except Exception as error:  # from the queue or the database; the outbox keeps the jobs
            if not self.failure:
                log.warning("The outbox keeps its jobs until the next try: %s", error)
            self.failure = str(error) or type(error).__name__
            self._stopping.wait(_AFTER_FAILURE)
            return 0.0
        self.failure = ""
        return 0.0 if more else _IDLE

"""The relay: a thread that hands the outbox over to the queue.

A reader's comment wakes it; when the queue can't be reached it tries again each second, and the
readers never notice.
"""

from __future__ import annotations

import logging
import threading

from demo_app.blog import outbox
from demo_app.blog.database import Database
from demo_app.jobs.backends.base import Backend
from demo_app.steps import Step, passed

log = logging.getLogger(__name__)


class Relay:
    """Hands jobs over in the order in which they were written down."""

    def __init__(self, database: Database, backend: Backend) -> None:
        self._database, self._backend = database, backend
        self._wanted = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self.trouble = ""

    def start(self) -> None:
        """Begin, with whatever an earlier process left in the outbox."""
        self._wanted.set()
        self._thread.start()

    def wake(self) -> None:
        """There is something to hand over."""
        self._wanted.set()

    def stop(self) -> None:
        """Stop after the batch at hand."""
        self._stopping = True
        self._wanted.set()
        self._thread.join(timeout=5.0)

    def hand_over(self) -> int:
        """Hand over one batch; returns how many jobs that were.

        Raises what the backend raises when it can't be reached; nothing is removed then.
        """
        batch = outbox.waiting(self._database)
        if not batch:
            return 0
        passed(Step.OUTBOX_READ)
        self._backend.enqueue_many([job for _, job in batch])
        passed(Step.OUTBOX_HANDED_OVER)
        outbox.remove(self._database, [row for row, _ in batch])
        return len(batch)

    def _run(self) -> None:
        while not self._stopping:
            self._wanted.wait(timeout=1.0)
            self._wanted.clear()
            try:
                while not self._stopping and self.hand_over():
                    pass
                self.trouble = ""
            except Exception as error:  # whatever is wrong with the queue: the outbox keeps all
                if not self.trouble:
                    log.warning("The queue can't be reached, the outbox keeps its jobs: %s", error)
                self.trouble = str(error)
                self._stopping or threading.Event().wait(0.5)
        self._database.close()

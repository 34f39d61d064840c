"""The relay, which hands the jobs of the outbox over to the queue.

Each new comment wakes the relay. While the queue does not answer, the relay retries; web requests
do not wait for it. One thread hands jobs over, another reconciles the outbox with the queue (see
`reconciliation`).
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace

from demo_app.blog import outbox
from demo_app.blog.database import Database
from demo_app.blog.loop import Loop
from demo_app.blog.reconciliation import Reconciliation
from demo_app.failpoints import Step, hit
from demo_app.jobs.backend import Backend
from demo_app.jobs.job import Job

log = logging.getLogger(__name__)


class Relay:
    """A relay, which hands jobs over in the order in which they were stored.

    Args:
        database: the blog's database.
        backend: the queue.
        keep: True if a row stays until its job is done. If False, or if the backend has no
            results, a row is deleted as soon as the queue has the job.
        announce: called before the first batch, and before lost jobs are enqueued again.
        at_once: limit of the rows of one step.
    """

    def __init__(
        self,
        database: Database,
        backend: Backend,
        *,
        keep: bool = True,
        announce: Callable[[], None] = lambda: None,
        at_once: int = 500,
    ) -> None:
        self._database, self._backend = database, backend
        self._keep, self._at_once = keep and backend.capabilities.results, at_once
        self._announce, self._announced = announce, False
        self._lock = threading.Lock()
        self._reached = 0  # the last row that was handed over or set aside
        self._set_aside: dict[int, str] = {}  # reasons by row number
        self._reconciliation = Reconciliation(database, backend, at_once)
        self._loops = Loop(self.hand_over, database), Loop(self.settle, database)

    def start(self) -> None:
        for loop in self._loops:
            loop.start()

    def wake(self) -> None:
        self._loops[0].wake()

    def stop(self) -> None:
        """Stop both threads after their current batch, and wait for them (each for 5 s at most)."""
        for loop in self._loops:
            loop.stop()

    @property
    def trouble(self) -> str:
        """The reason why jobs cannot be handed over; "" if they can."""
        reasons = [loop.failure for loop in self._loops if loop.failure]
        if aside := list(self._set_aside.values()):
            reasons.append(f"{len(aside)} set aside: {aside[0]}")
        return reasons[0] if reasons else ""

    def has_handed_over(self, row: int) -> bool:
        return row <= self._reached and row not in self._set_aside

    def size(self) -> int:
        """Return the number of jobs in the outbox that were not handed over yet."""
        with self._lock:
            aside = sum(row <= self._reached for row in self._set_aside)
            return outbox.size(self._database, after=self._reached) + aside

    def hand_over(self) -> int:
        """Hand over one batch, and return its number of rows.

        A job that is malformed or not supported is set aside until the next start, so that
        later jobs are not blocked.

        Raises:
            the backend's error: the queue does not answer. The rows remain.
        """
        reached = self._reached
        batch = outbox.pending(self._database, after=reached, limit=self._at_once)
        if not batch:
            return 0
        hit(Step.OUTBOX_READ)
        if not self._announced:
            self._announce()
            self._announced = True
        owner = self._database.id
        jobs = {entry.row: replace(entry.job, owner=owner) for entry in batch if entry.job}
        reasons = {entry.row: entry.problem for entry in batch if entry.job is None}
        reasons |= self._enqueue(jobs)
        hit(Step.OUTBOX_HANDED_OVER)
        with self._lock:
            fresh = reasons.keys() - self._set_aside.keys()
            self._set_aside |= reasons
            if reached == self._reached:  # unless `hand_over_again` has just lowered it
                self._reached = batch[-1].row
        for row in sorted(fresh):
            log.error("Outbox: row %d can't be enqueued, and is set aside: %s", row, reasons[row])
        if not self._keep:
            outbox.remove(self._database, [row for row in jobs if row not in reasons])
        return len(batch)

    def _enqueue(self, jobs: dict[int, Job]) -> dict[int, str]:
        if self._keep:
            self._backend.keep([job.id for job in jobs.values()])
        refused = self._backend.enqueue_supported(list(jobs.values()))
        return {row: refused[job.id] for row, job in jobs.items() if job.id in refused}

    def settle(self) -> int:
        """Reconcile a batch of rows. If the queue has lost jobs, hand them over again.

        Returns the number of rows; see `Reconciliation.settle`.
        """
        with self._lock:
            reached, aside = self._reached, set(self._set_aside)
        rows, lost = self._reconciliation.settle(reached, aside)
        if lost is not None:
            self.hand_over_again(lost)
        return rows

    def hand_over_again(self, row: int) -> None:
        """Let the thread of `hand_over` enqueue the jobs of this row and all later rows again."""
        with self._lock:
            self._reached, self._announced = min(self._reached, row - 1), False
        self.wake()

"""The relay: hands the outbox over to the queue, and deletes what is safe there.

A reader's comment wakes it; when the queue can't be reached it tries again, and the readers never
notice. One thread hands over. Another waits until the queue would still have the jobs if it were
killed, and only then are their rows deleted; what the queue has lost is handed over again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from demo_app.blog import outbox
from demo_app.blog.database import Database
from demo_app.failpoints import Step, hit
from demo_app.jobs.backend import Backend
from demo_app.jobs.capabilities import Unsupported
from demo_app.jobs.job import Job

log = logging.getLogger(__name__)

#: Seconds before it is tried again when the queue can't be reached.
_PAUSE = 0.5
#: Seconds in which rows to delete are gathered: each delete syncs the file that readers wait for.
_GATHER = 0.2


class Relay:
    """Hands jobs over in the order in which they were written down."""

    def __init__(self, database: Database, backend: Backend) -> None:
        self._database, self._backend = database, backend
        self._wanted, self._handed_over = threading.Event(), threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._unconfirmed: dict[int, Job] = {}  # by row
        self._reached = 0  # the last row that was handed over, or set aside
        self._set_aside: dict[int, str] = {}  # why, by row
        self._threads = [
            threading.Thread(target=self._run, args=loop, name=f"relay {loop[0].__name__}")
            for loop in (
                (self.hand_over, self._wanted, 0.0),
                (self.confirm, self._handed_over, _GATHER),
            )
        ]
        self._failure = ""

    def start(self) -> None:
        """Begin, with whatever an earlier process left in the outbox."""
        self._wanted.set()
        for thread in self._threads:
            thread.daemon = True
            thread.start()

    def wake(self) -> None:
        """There is something to hand over."""
        self._wanted.set()

    def stop(self) -> None:
        """Stop after the batch at hand."""
        self._stopping.set()
        self._wanted.set()
        self._handed_over.set()
        for thread in self._threads:
            thread.join(timeout=5.0)
        with suppress(Exception):  # then they are handed over again at the next start
            self.confirm()

    @property
    def trouble(self) -> str:
        """Why there are jobs that can't be handed over; "" when there is no reason."""
        if self._failure or not self._set_aside:
            return self._failure
        return f"{len(self._set_aside)} set aside: {next(iter(self._set_aside.values()))}"

    def handed_over(self) -> set[str]:
        """The jobs that the queue has taken, and that are still in the outbox to be sure."""
        with self._lock:
            return {job.id for job in self._unconfirmed.values()}

    def size(self) -> int:
        """How many jobs the queue does not have yet."""
        return max(0, outbox.size(self._database) - len(self.handed_over()))

    def hand_over(self) -> int:
        """Hand over one batch; returns how many jobs that were.

        Raises what the backend raises when it can't be reached; nothing is deleted then. A job
        that can't be read, or that the backend does not do, is set aside until the next start, so
        that the others can pass.
        """
        with self._lock:  # both before a new beginning, or both after it
            known, reached = self._unconfirmed, self._reached
        batch = outbox.pending(self._database, after=reached)
        if not batch:
            self._failure = ""
            return 0
        hit(Step.OUTBOX_READ)
        jobs = {entry.row: entry.job for entry in batch if entry.job is not None}
        reasons = {entry.row: entry.problem for entry in batch if entry.job is None}
        reasons |= self._enqueue(jobs)
        hit(Step.OUTBOX_HANDED_OVER)
        self._failure = ""
        with self._lock:
            if known is self._unconfirmed:  # or it starts again from the first row
                known |= {row: job for row, job in jobs.items() if row not in reasons}
                self._set_aside |= reasons
                self._reached = batch[-1].row
        for reason in reasons.values():
            log.error("A row of the outbox is set aside: %s", reason)
        self._handed_over.set()
        return len(batch)

    def _enqueue(self, jobs: dict[int, Job]) -> dict[int, str]:
        """Give the backend what it does; returns the reason against each of the others, by row."""
        try:
            self._backend.enqueue_many(list(jobs.values()))
            return {}
        except Unsupported:
            found = {row: self._reason_against(job) for row, job in jobs.items()}
            reasons = {row: reason for row, reason in found.items() if reason}
            self._backend.enqueue_many([job for row, job in jobs.items() if row not in reasons])
            return reasons

    def _reason_against(self, job: Job) -> str:
        try:
            self._backend.check(job)
        except Unsupported as error:
            return str(error)
        return ""

    def confirm(self) -> int:
        """Delete the jobs that are safe in the queue; returns how many were looked at.

        Raises what the backend raises when it can't tell; they are all handed over again then.
        """
        with self._lock:
            known = self._unconfirmed
            batch = dict(known)
        if not batch:
            return 0
        try:
            lost = {job.id for job in self._backend.unpersisted(list(batch.values()))}
        except Exception:
            self._start_again()
            raise
        hit(Step.OUTBOX_CONFIRMED)
        safe = [row for row, job in batch.items() if job.id not in lost]
        outbox.remove(self._database, safe)
        with self._lock:
            for row in safe:
                known.pop(row)
        if lost:
            self._start_again()
        return len(batch)

    def _start_again(self) -> None:
        with self._lock:
            self._unconfirmed, self._set_aside, self._reached = {}, {}, 0
        self._wanted.set()

    def _run(self, step: Callable[[], int], wanted: threading.Event, pause: float) -> None:
        while not self._stopping.is_set():
            wanted.wait(timeout=1.0)
            wanted.clear()
            try:
                while not self._stopping.is_set() and step():
                    pass
                self._stopping.wait(pause)
            except Exception as error:  # whatever is wrong with the queue: the outbox keeps all
                if not self._failure:
                    log.warning("The queue can't be reached, the outbox keeps its jobs: %s", error)
                self._failure = str(error)
                wanted.set()
                self._stopping.wait(_PAUSE)
        self._database.close()

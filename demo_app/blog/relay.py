"""The relay: hands the outbox over to the queue, and deletes what is done.

A reader's comment wakes it; when the queue can't be reached it tries again, and the readers never
notice. One thread hands over. Another asks the queue what became of its jobs: the row of one that
is done is deleted, and one that the queue has lost is handed over again. So a Redis that is wiped,
or comes back with data of yesterday, loses no mail.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from demo_app.blog import outbox
from demo_app.blog.database import Database
from demo_app.failpoints import Step, hit
from demo_app.jobs.backend import Backend
from demo_app.jobs.capabilities import Unsupported
from demo_app.jobs.job import Job

log = logging.getLogger(__name__)

#: Seconds before it is tried again when the queue can't be reached.
_PAUSE = 0.5
#: Seconds between two rounds of questions, and rows for one step of them. Jobs end in about the
#: order in which they came, so most rounds stop at the first step in which none has ended.
_GATHER, _ASKED = 1.0, 100
#: Seconds after which a round asks about all again, and how many times as long as that took.
_FULL, _REST = 5.0, 50
#: A job in one of these states needs its row no longer. A dead one is not among them: a person
#: may bring it back, and until then it must not get lost either.
_ENDED = ("done", "discarded")


class Relay:
    """Hands jobs over in the order in which they were written down.

    keep: whether a row stays until its job is done. (Without, and with a backend that can't be
    asked, it goes as soon as the queue has the job.) announce: is called before a queue that may be
    new gets its first job. at_once: rows for one step.
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
        self._wanted, self._handed_over = threading.Event(), threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._reached = 0  # the last row that was handed over, or set aside
        self._asked = 0  # the last row that was asked about in this round
        self._round_began, self._full_round_due = 0.0, 0.0  # by the monotonic clock
        self._set_aside: dict[int, str] = {}  # why, by row
        self._threads = [
            threading.Thread(target=self._run, args=loop, name=f"relay {loop[0].__name__}")
            for loop in (
                (self.hand_over, self._wanted, 0.0),
                (self.settle, self._handed_over, _GATHER),
            )
        ]
        self._failures: dict[str, str] = {}  # by step

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

    @property
    def trouble(self) -> str:
        """Why there are jobs that can't be handed over; "" when there is no reason."""
        failures, aside = list(self._failures.values()), list(self._set_aside.values())
        if failures or not aside:
            return failures[0] if failures else ""
        return f"{len(aside)} set aside: {aside[0]}"

    def has_handed_over(self, row: int) -> bool:
        """Whether the queue was given the job of this row."""
        return row <= self._reached and row not in self._set_aside

    def size(self) -> int:
        """How many jobs the queue was not given yet."""
        with self._lock:
            aside = sum(row <= self._reached for row in self._set_aside)
            return outbox.size(self._database, after=self._reached) + aside

    def waiting(self, most: int) -> list[Job]:
        """The oldest jobs that the queue was not given yet, and that can be read."""
        entries = outbox.pending(self._database, after=self._reached, limit=most)
        return [entry.job for entry in entries if entry.job is not None]

    def hand_over(self) -> int:
        """Hand over one batch; returns how many jobs that were.

        Raises what the backend raises when it can't be reached; the rows stay. A job that can't
        be read, or that the backend does not do, is set aside until the next start, so that the
        others can pass.
        """
        reached = self._reached
        batch = outbox.pending(self._database, after=reached, limit=self._at_once)
        if not batch:
            return 0
        hit(Step.OUTBOX_READ)
        if not self._announced:
            self._announce()
            self._announced = True
        jobs = {entry.row: entry.job for entry in batch if entry.job is not None}
        reasons = {entry.row: entry.problem for entry in batch if entry.job is None}
        reasons |= self._enqueue(jobs)
        hit(Step.OUTBOX_HANDED_OVER)
        with self._lock:
            fresh = reasons.keys() - self._set_aside.keys()
            self._set_aside |= reasons
            if reached == self._reached:  # or what came before is lost, and has its turn first
                self._reached = batch[-1].row
        for row in sorted(fresh):
            log.error("A row of the outbox is set aside: %s", reasons[row])
        if not self._keep:
            outbox.remove(self._database, [row for row in jobs if row not in reasons])
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

    def settle(self) -> int:
        """Ask what became of the next jobs that were handed over: delete the rows of those that
        have ended, and hand over again what is lost, and what came behind it.

        Returns how many rows that were; 0 at the end of a round (see `_FULL`).
        Raises what the backend raises when it can't tell; nothing is deleted then.
        """
        with self._lock:
            reached, set_aside = self._reached, set(self._set_aside)
        limit = min(self._at_once, _ASKED)
        batch = outbox.handed_over(self._database, self._asked, reached, limit)
        now = time.monotonic()
        if self._asked == 0:
            self._round_began = now
        if not batch:
            self._asked = 0
            self._full_round_due = now + max(_FULL, _REST * (now - self._round_began))
            return 0
        asked = {row: job_id for row, job_id in batch if row not in set_aside}
        states = self._backend.states(list(asked.values()))
        self._asked = batch[-1][0]
        hit(Step.OUTBOX_SETTLED)
        ended = [row for row, job_id in asked.items() if states.get(job_id) in _ENDED]
        if ended:
            outbox.remove(self._database, ended)
        lost = [row for row, job_id in asked.items() if job_id not in states]
        if lost:
            log.warning("The queue has lost %d jobs; they are handed over again", len(lost))
            with self._lock:
                self._reached, self._announced = min(self._reached, lost[0] - 1), False
            self._wanted.set()
        if not ended and not lost and now < self._full_round_due:
            self._asked = 0
            return 0
        return len(batch)

    def _run(self, step: Callable[[], int], wanted: threading.Event, rest: float) -> None:
        # a delete that a power failure takes back is done again: no sync that readers wait for
        self._database.connection().execute("PRAGMA synchronous = NORMAL")
        while not self._stopping.is_set():
            wanted.wait(timeout=1.0)
            wanted.clear()
            try:
                while not self._stopping.is_set() and step():
                    pass
                self._failures.pop(step.__name__, None)
                self._stopping.wait(rest)
            except Exception as error:  # whatever is wrong with the queue: the outbox keeps all
                if step.__name__ not in self._failures:
                    log.warning("The queue can't be reached, the outbox keeps its jobs: %s", error)
                self._failures[step.__name__] = str(error)
                wanted.set()
                self._stopping.wait(_PAUSE)
        self._database.close()

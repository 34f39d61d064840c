"""The reconciliation of the outbox with the queue.

When a job is done or discarded, its row is deleted; a job that the queue has lost is enqueued
again. So no mail is lost if Redis is wiped, or restored from old data.
"""

import logging
import time
from collections.abc import Collection

from demo_app.blog import outbox
from demo_app.blog.database import Database
from demo_app.failpoints import Step, hit
from demo_app.jobs.backend import Backend

log = logging.getLogger(__name__)

#: Limit of the rows of one step. Jobs end roughly in the order of the rows. So a round stops early,
#: at the first step without an ended or lost job, except when a full round is due.
_MAX_ROWS = 100
#: Pause between two rounds through the whole outbox: at least 5 s, and at least 50 times the
#: duration of the last round.
_FULL_ROUND_EVERY, _ROUND_DURATIONS = 5.0, 50
#: A job in one of these states does not need its row any more. A dead job still needs its row: if
#: Redis loses the job before a person retries it, the outbox enqueues it again.
_ENDED = ("done", "discarded")


class Reconciliation:
    """A comparison of the outbox with the queue, step by step.

    Args:
        at_once: limit of the rows of one step, at most 100.
    """

    def __init__(self, database: Database, backend: Backend, at_once: int) -> None:
        self._database, self._backend = database, backend
        self._limit = min(at_once, _MAX_ROWS)
        self._begun = False
        self._last_row = 0  # the last row that this round has looked up
        self._round_began, self._full_round_due = 0.0, 0.0  # times of the monotonic clock (seconds)

    def settle(self, reached: int, set_aside: Collection[int]) -> tuple[int, int | None]:
        """Look up the next handed-over jobs in the queue, and delete the rows of ended jobs.

        Returns the number of rows that were looked up (0 at the end of a round), and the
        lowest row whose job is lost, or None.

        Args:
            reached: the last row that was handed over.
            set_aside: rows up to `reached` that were not handed over.

        Raises:
            the backend's error: the backend does not answer. Rows of unfinished jobs remain.
        """
        if not self._begun:
            self._keep_no_others()
            self._begun = True
        batch = outbox.handed_over(self._database, self._last_row, reached, self._limit)
        now = time.monotonic()
        if self._last_row == 0:
            self._round_began = now
        if not batch:
            self._last_row = 0
            pause = max(_FULL_ROUND_EVERY, _ROUND_DURATIONS * (now - self._round_began))
            self._full_round_due = now + pause
            return 0, None
        jobs = {row: job_id for row, job_id in batch if row not in set_aside}
        states = self._backend.states(list(jobs.values()))
        self._last_row = batch[-1][0]
        hit(Step.OUTBOX_SETTLED)
        # keeps: never-lost
        ended = [row for row, job_id in jobs.items() if states.get(job_id) in _ENDED]
        if ended:
            outbox.remove(self._database, ended)
            self._backend.keep([jobs[row] for row in ended], kept=False)
        lost = [row for row, job_id in jobs.items() if job_id not in states]  # keeps: never-lost
        if lost:
            log.warning("Redis has lost %d jobs; the outbox enqueues them again", len(lost))
        if not ended and not lost and now < self._full_round_due:
            self._last_row = 0
            return 0, None
        return len(batch), min(lost, default=None)

    def _keep_no_others(self) -> None:
        # call `keep` with kept=False for jobs without a row: an earlier process may have been
        # killed after it deleted their rows, and before it made this call
        kept = self._backend.kept()
        for first in range(0, len(kept), _MAX_ROWS):
            batch = kept[first : first + _MAX_ROWS]
            rows = outbox.rows_by_job_id(self._database, batch)
            self._backend.keep([job for job in batch if job not in rows], kept=False)

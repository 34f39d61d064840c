"""What the backends have in common whose jobs run in the process that puts them in."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace

from demo_app.jobs.backend import Backend
from demo_app.jobs.job import Job
from demo_app.jobs.outcome import Outcome, begin, end
from demo_app.jobs.perform import perform
from demo_app.jobs.result import TaskResult

#: Results that are kept; of those beyond, the oldest that have ended are deleted.
_KEEP = 10_000


class InProcessBackend(Backend):
    """Keeps the results of its jobs in memory."""

    def __init__(self) -> None:
        self._results: dict[str, TaskResult] = {}
        self._lock = threading.Lock()

    def find(self, job_id: str) -> TaskResult | None:
        """What became of a job of this process."""
        with self._lock:
            result = self._results.get(job_id)
            return None if result is None else replace(result, errors=list(result.errors))

    def count_by_state(self) -> dict[str, int]:
        """How many of this process's jobs are in each state."""
        with self._lock:
            return dict(Counter(result.state for result in self._results.values()))

    def _is_new(self, job: Job) -> bool:
        """Note that a job was put in; False when its id was known already."""
        with self._lock:
            if job.id in self._results:
                return False
            self._results[job.id] = self.handle(job)
            for job_id in list(self._results)[: max(0, len(self._results) - _KEEP)]:
                if self._results[job_id].is_finished:
                    del self._results[job_id]
        return True

    def _try(self, job: Job) -> Outcome:
        """Run the job once, and note when it began and how it ended."""
        with self._lock:
            begin(self._results[job.id], job.attempts + 1)
        outcome = self._perform(job)
        with self._lock:
            end(self._results[job.id], outcome)
        return outcome

    def _perform(self, job: Job) -> Outcome:
        return perform(job)

"""The base of backends whose jobs run in the producer's process."""

import threading
from collections import Counter
from dataclasses import replace

from demo_app.jobs.backend import Backend
from demo_app.jobs.job import Job
from demo_app.jobs.outcome import Outcome, begin, end
from demo_app.jobs.perform import perform
from demo_app.jobs.result import TaskResult

#: Limit of the results in memory. Above it, the oldest results of ended jobs are deleted.
_KEEP = 10_000


class InProcessBackend(Backend):
    """A backend that keeps its jobs' results in memory."""

    def __init__(self) -> None:
        self._results: dict[str, TaskResult] = {}
        self._lock = threading.Lock()

    def find(self, job_id: str) -> TaskResult | None:
        with self._lock:
            result = self._results.get(job_id)
            return None if result is None else replace(result, errors=list(result.errors))

    def count_by_state(self) -> dict[str, int]:
        with self._lock:
            return dict(Counter(result.state for result in self._results.values()))

    def _is_new(self, job: Job) -> bool:
        # this also stores the first result of a new job
        with self._lock:
            if job.id in self._results:
                return False
            self._results[job.id] = self.handle(job)
            for job_id in list(self._results)[: max(0, len(self._results) - _KEEP)]:
                if self._results[job_id].is_finished:
                    del self._results[job_id]
        return True

    def _try(self, job: Job) -> Outcome:
        with self._lock:
            begin(self._results[job.id], job.attempts + 1)
        outcome = perform(job)
        with self._lock:
            end(self._results[job.id], outcome)
        return outcome

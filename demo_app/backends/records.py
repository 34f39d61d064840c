"""What the backends inside one process remember of their jobs."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

from demo_app.jobs.job import Job
from demo_app.jobs.perform import Again, Dead, Discarded, Done, Outcome
from demo_app.jobs.result import STATUS_OF_STATE, TaskResult, TaskResultStatus


class Records:
    """Results by job id, the newest ones, kept in memory."""

    def __init__(self, backend: str, keep: int = 10_000) -> None:
        self._backend, self._keep = backend, keep
        self._results: dict[str, TaskResult] = {}
        self._lock = threading.Lock()

    def enqueued(self, job: Job) -> bool:
        """Note that a job was put in; False when its id was known already."""
        with self._lock:
            if job.id in self._results:
                return False
            self._results[job.id] = TaskResult(
                job.id,
                job.task,
                job.arguments,
                self._backend,
                attempts=job.attempts,
                enqueued_at=datetime.fromtimestamp(job.enqueued_at, UTC),
                state="queued" if job.run_after is None else "scheduled",
            )
            self._forget_old_ones()
        return True

    def started(self, job: Job) -> None:
        """Note that a try begins."""
        with self._lock:
            result = self._results[job.id]
            result.state, result.status = "running", STATUS_OF_STATE["running"]
            result.started_at = datetime.now(UTC)
            result.attempts = job.attempts + 1

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Note how a try ended."""
        with self._lock:
            result = self._results[job.id]
            match outcome:
                case Done(value):
                    result.state, result._return_value = "done", value
                case Again(_, error):
                    result.state = "retrying"
                    result.errors.append(error)
                case Discarded(reason):
                    result.state, result.reason = "discarded", reason
                case Dead(error):
                    result.state = "dead"
                    result.errors.append(error)
            result.status = STATUS_OF_STATE.get(result.state, TaskResultStatus.READY)
            if result.is_finished:
                result.finished_at = datetime.now(UTC)

    def find(self, job_id: str) -> TaskResult | None:
        """A copy of what is known of the job."""
        with self._lock:
            result = self._results.get(job_id)
            if result is None:
                return None
            return replace(result, errors=list(result.errors), _find=self.find)

    def count_by_state(self) -> dict[str, int]:
        """How many jobs are in each state, of those remembered."""
        with self._lock:
            return dict(Counter(result.state for result in self._results.values()))

    def _forget_old_ones(self) -> None:
        """Only what has ended is forgotten, the oldest first."""
        for job_id in list(self._results)[: max(0, len(self._results) - self._keep)]:
            if self._results[job_id].is_finished:
                del self._results[job_id]

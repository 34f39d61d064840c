"""What the backends inside one process remember of their jobs."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from dataclasses import replace
from datetime import UTC, datetime

from demo_app.jobs.job import Job
from demo_app.jobs.perform import Again, Dead, Discarded, Done, Outcome
from demo_app.jobs.result import TaskResult, TaskResultStatus


class Records:
    """Results by job id, the newest ones, kept in memory."""

    def __init__(self, backend: str, keep: int = 10_000) -> None:
        self._backend, self._keep = backend, keep
        self._results: OrderedDict[str, TaskResult] = OrderedDict()
        self._lock = threading.Lock()

    def enqueued(self, job: Job) -> TaskResult:
        """Note that a job was put in; returns the handle for who put it in."""
        result = TaskResult(
            job.id,
            job.task,
            job.arguments,
            self._backend,
            enqueued_at=datetime.fromtimestamp(job.enqueued_at, UTC),
            state="queued" if job.run_after is None else "scheduled",
        )
        with self._lock:
            self._results[job.id] = result
            while len(self._results) > self._keep:
                self._results.popitem(last=False)
        return result.with_finder(self.find)

    def started(self, job: Job) -> None:
        """Note that a try begins."""
        with self._lock:
            result = self._results[job.id]
            result.status, result.state = TaskResultStatus.RUNNING, "running"
            result.started_at = datetime.now(UTC)
            result.attempts = job.attempts + 1

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Note how a try ended."""
        with self._lock:
            result = self._results[job.id]
            match outcome:
                case Done(value):
                    result.status, result.state = TaskResultStatus.SUCCESSFUL, "done"
                    result._return_value = value
                case Again(_, error):
                    result.status, result.state = TaskResultStatus.READY, "retrying"
                    result.errors.append(error)
                case Discarded():
                    result.status, result.state = TaskResultStatus.FAILED, "discarded"
                case Dead(error):
                    result.status, result.state = TaskResultStatus.FAILED, "dead"
                    result.errors.append(error)
            if result.is_finished:
                result.finished_at = datetime.now(UTC)

    def find(self, job_id: str) -> TaskResult | None:
        """A copy of what is known of the job."""
        with self._lock:
            result = self._results.get(job_id)
            return None if result is None else replace(result, errors=list(result.errors))

    def count_by_state(self) -> dict[str, int]:
        """How many jobs are in each state, of those remembered."""
        with self._lock:
            return dict(Counter(result.state for result in self._results.values()))

"""What became of each job in huey's file, and who took it: a table of our own beside huey's."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import count
from time import time
from typing import Any

from huey.storage import SqliteStorage

from demo_app.jobs.job import Job
from demo_app.jobs.outcome import Discarded, Failed, Outcome, Retry, Succeeded
from demo_app.jobs.result import TaskError, TaskResult

_JOBS = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY,
    job TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    errors TEXT NOT NULL DEFAULT '[]',
    value TEXT NOT NULL DEFAULT 'null',
    reason TEXT NOT NULL DEFAULT '',
    started_at REAL,
    finished_at REAL,
    worker INTEGER
) STRICT
"""
_ENDED = {Succeeded: "done", Retry: "retrying", Discarded: "discarded", Failed: "dead"}
_ASKED = "SELECT id, state, worker FROM jobs WHERE id IN (SELECT value FROM json_each(?))"
_DELETE_OLDEST = """
DELETE FROM jobs WHERE id IN (
    SELECT id FROM jobs WHERE state IN ('done', 'discarded')
    ORDER BY finished_at DESC LIMIT -1 OFFSET ?
)
"""


class JobTable:
    """See the module.

    storage: huey's, whose one connection does both. keep: how many finished jobs are kept.
    """

    def __init__(self, storage: SqliteStorage, keep: int) -> None:
        self._storage, self._keep = storage, keep
        self._ended = count(1)
        storage.sql(_JOBS, commit=True)

    def add(self, rows: Any, job: Job) -> bool:
        """Write a new job down, as part of a transaction; False when its id is known."""
        state = "queued" if job.run_after is None else "scheduled"
        rows.execute(
            "INSERT OR IGNORE INTO jobs (id, job, state, attempts) VALUES (?, ?, ?, ?)",
            (job.id, json.dumps(job.as_record()), state, job.attempts),
        )
        return bool(rows.rowcount)

    def job(self, job_id: str) -> Job:
        """The job, as it was put in but for its failed tries."""
        sql = "SELECT job, attempts FROM jobs WHERE id = ?"
        record, attempts = self._storage.sql(sql, (job_id,), results=True)[0]
        return replace(Job.from_record(json.loads(record)), attempts=attempts)

    def find(self, job_id: str, handle: Callable[[Job], TaskResult]) -> TaskResult | None:
        """What became of the job; None when nothing is known of it. handle: the handle to a job."""
        rows = self._storage.sql(
            "SELECT job, state, attempts, errors, value, reason, started_at, finished_at "
            "FROM jobs WHERE id = ?",
            (job_id,),
            results=True,
        )
        if not rows:
            return None
        record, state, attempts, errors, value, reason, began, ended = rows[0]
        result = handle(Job.from_record(json.loads(record)))
        result.state, result.reason, result.attempts = state, reason, attempts
        result.errors = [TaskError(**error) for error in json.loads(errors)]
        result.started_at = began and datetime.fromtimestamp(began, UTC)
        result.finished_at = ended and datetime.fromtimestamp(ended, UTC)
        result._return_value = json.loads(value)
        return result

    def states(self, job_ids: Sequence[str]) -> dict[str, tuple[str, int | None]]:
        """The state of each of these jobs that is there, and the pid of the worker that runs it."""
        found = self._storage.sql(_ASKED, (json.dumps(list(job_ids)),), results=True)
        return {job_id: (state, worker) for job_id, state, worker in found}

    def take_back(self, rows: Any, job_id: str, most: int) -> str:
        """As part of a transaction: a worker died with the job. Returns its state from now on:
        queued, or dead after the death of more workers than `most`."""
        sql = (
            "UPDATE jobs SET worker = NULL, state = "
            "iif(attempts - json_array_length(errors) > ?, 'dead', 'queued') "
            "WHERE id = ? RETURNING state"
        )
        return str(rows.execute(sql, (most, job_id)).fetchone()[0])

    def count_by_state(self) -> dict[str, int]:
        """How many jobs are in each state."""
        sql = "SELECT state, count(*) FROM jobs GROUP BY state"
        return dict(self._storage.sql(sql, results=True))

    def started(self, job_id: str) -> Job:
        """Note that a try begins; returns the job to be tried."""
        sql = (
            "UPDATE jobs SET state = 'running', attempts = attempts + 1, started_at = ?, "
            "worker = ? WHERE id = ? RETURNING job, attempts"
        )
        with self._storage.db(commit=True) as rows:
            record, attempts = rows.execute(sql, (time(), os.getpid(), job_id)).fetchone()
        return replace(Job.from_record(json.loads(record)), attempts=attempts - 1)

    def ended(self, job_id: str, outcome: Outcome) -> None:
        """Note how a try ended."""
        value = outcome.value if isinstance(outcome, Succeeded) else None
        reason = outcome.reason if isinstance(outcome, Discarded) else ""
        error = json.dumps(asdict(outcome.error)) if isinstance(outcome, Retry | Failed) else None
        ended = None if isinstance(outcome, Retry) else time()
        with self._storage.db(commit=True) as rows:
            rows.execute(
                "UPDATE jobs SET worker = NULL, state = ?, value = ?, reason = ?, finished_at = ?, "
                "errors = iif(?5 IS NULL, errors, json_insert(errors, '$[#]', json(?5))) "
                "WHERE id = ?6",
                (_ENDED[type(outcome)], json.dumps(value), reason, ended, error, job_id),
            )
            if next(self._ended) % 1000 == 0:
                rows.execute(_DELETE_OLDEST, (self._keep,))

"""Jobs in a SQLite file, run by huey's consumer: what Delayed Job is to Rails.

Huey's tables `task` and `schedule` say what is to be run, and when; a table `jobs` of our own
beside them says what became of each job.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from time import time
from typing import Any

from huey import SqliteHuey
from huey.api import Task
from huey.exceptions import RetryTask
from huey.registry import Message
from huey.serializer import Serializer

from demo_app.jobs.backends.base import Backend
from demo_app.jobs.capabilities import Capabilities, Death, Priority
from demo_app.jobs.job import Job
from demo_app.jobs.perform import Again, Dead, Discarded, Done, Outcome, perform
from demo_app.jobs.result import STATUS_OF_STATE, TaskError, TaskResult, TaskResultStatus
from demo_app.settings import Settings

_TABLE = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY,
    job TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    errors TEXT NOT NULL DEFAULT '[]',
    value TEXT NOT NULL DEFAULT 'null',
    reason TEXT NOT NULL DEFAULT '',
    started_at REAL,
    finished_at REAL
) STRICT
"""
_ENDED = {Done: "done", Again: "retrying", Discarded: "discarded", Dead: "dead"}
_FORGET = """
DELETE FROM jobs WHERE id IN (
    SELECT id FROM jobs WHERE state IN ('done', 'discarded')
    ORDER BY finished_at DESC LIMIT -1 OFFSET ?
)
"""


class Readable(Serializer):  # type: ignore[misc]
    """Huey's messages as JSON: for people to read, and with no pickle that one would have to
    trust."""

    def _serialize(self, data: Message) -> bytes:
        return json.dumps(data, default=datetime.isoformat).encode()

    def _deserialize(self, data: bytes) -> Message:
        message = Message(*json.loads(data))
        eta = message.eta and datetime.fromisoformat(message.eta)
        return message._replace(eta=eta)


class HueyBackend(Backend):
    """See the module.

    A consumer deletes a job from the table before it runs it: what runs when the consumer is
    killed is lost. What waits is safe on disk.
    """

    name = "huey"
    capabilities = Capabilities(
        priority=Priority.EXACT,
        run_after=True,
        results=True,
        once=True,
        fifo=True,
        concurrent=True,
        survives=frozenset({Death.ENQUEUER, Death.CLAIM}),
    )

    def __init__(self, chosen: Settings) -> None:
        self._settings = chosen
        self._ended = count(1)

    @cached_property
    def huey(self) -> SqliteHuey:
        """The queue in its file: each commit is on disk, and ids are never used twice."""
        self._settings.dir.mkdir(parents=True, exist_ok=True)
        made = SqliteHuey(
            filename=str(self._settings.dir / "huey.sqlite3"),
            results=False,
            fsync=True,
            timeout=30,
            strict_fifo=True,
            serializer=Readable(),
        )
        made.storage.sql(_TABLE, commit=True)
        made.task(name="run", context=True)(self._run)
        return made

    def take(self, jobs: list[Job]) -> None:
        """Put the jobs into the file, in one transaction; a known id changes nothing."""
        with self.huey.storage.db(commit=True) as rows:
            for job in jobs:
                state = "queued" if job.run_after is None else "scheduled"
                rows.execute(
                    "INSERT OR IGNORE INTO jobs (id, job, state, attempts) VALUES (?, ?, ?, ?)",
                    (job.id, json.dumps(job.as_record()), state, job.attempts),
                )
                if rows.rowcount:
                    self._put(rows, job)

    def find(self, job_id: str) -> TaskResult | None:
        """What the file says of the job."""
        rows = self.huey.storage.sql(
            "SELECT job, state, attempts, errors, value, reason, started_at, finished_at "
            "FROM jobs WHERE id = ?",
            (job_id,),
            results=True,
        )
        if not rows:
            return None
        record, state, attempts, errors, value, reason, began, ended = rows[0]
        result = self.promise(Job.from_record(json.loads(record)))
        result.state, result.reason, result.attempts = state, reason, attempts
        result.status = STATUS_OF_STATE.get(state, TaskResultStatus.READY)
        result.errors = [TaskError(**error) for error in json.loads(errors)]
        result.started_at = began and datetime.fromtimestamp(began, UTC)
        result.finished_at = ended and datetime.fromtimestamp(ended, UTC)
        result._return_value = json.loads(value)
        return result

    def count_by_state(self) -> dict[str, int]:
        """How many jobs are in each state; one whose worker was killed counts as running."""
        sql = "SELECT state, count(*) FROM jobs GROUP BY state"
        return dict(self.huey.storage.sql(sql, results=True))

    def waiting(self) -> Iterator[Job]:
        """Every job that waits, in the order in which they would run."""
        storage = self.huey.storage
        for data in (*storage.enqueued_items(), *storage.scheduled_items()):
            message = self.huey.serializer.deserialize(data)
            sql = "SELECT job, attempts FROM jobs WHERE id = ?"
            record, attempts = storage.sql(sql, (message.id,), results=True)[0]
            due = message.eta and message.eta.replace(tzinfo=UTC)
            yield replace(Job.from_record(json.loads(record)), attempts=attempts, run_after=due)

    def forget(self, job: Job) -> None:
        """The job is safe elsewhere."""
        with self.huey.storage.db(commit=True) as rows:
            for table in ("task", "schedule"):
                rows.execute(f"DELETE FROM {table} WHERE json_extract(data, '$[0]') = ?", (job.id,))
            rows.execute("DELETE FROM jobs WHERE id = ?", (job.id,))

    def close(self) -> None:
        """Close this process's connection to the file."""
        self.huey.storage.close()

    def _put(self, rows: Any, job: Job) -> None:
        task = self.huey._registry.string_to_task(f"{__name__}.run")(id=job.id)
        task.priority = job.priority
        if job.run_after is None:
            sql = "INSERT INTO task (queue, data, priority) VALUES (?, ?, ?)"
            data = self.huey.serialize_task(task)
            rows.execute(sql, (self.huey.name, data, job.priority))
        else:
            task.eta = job.run_after.astimezone(UTC).replace(tzinfo=None)  # huey's way
            sql = "INSERT INTO schedule (queue, data, timestamp) VALUES (?, ?, ?)"
            data = self.huey.serialize_task(task)
            rows.execute(sql, (self.huey.name, data, task.eta.timestamp()))

    def _run(self, task: Task) -> None:
        """Run one job: what huey's consumer calls."""
        sql = (
            "UPDATE jobs SET state = 'running', attempts = attempts + 1, started_at = ? "
            "WHERE id = ? RETURNING job, attempts"
        )
        with self.huey.storage.db(commit=True) as rows:
            record, attempts = rows.execute(sql, (time(), task.id)).fetchone()
        outcome = perform(replace(Job.from_record(json.loads(record)), attempts=attempts - 1))
        self._write_down(task.id, outcome)
        if isinstance(outcome, Again):
            raise RetryTask(delay=outcome.after)

    def _write_down(self, job_id: str, outcome: Outcome) -> None:
        value = outcome.value if isinstance(outcome, Done) else None
        reason = outcome.reason if isinstance(outcome, Discarded) else ""
        error = json.dumps(asdict(outcome.error)) if isinstance(outcome, Again | Dead) else None
        ended = None if isinstance(outcome, Again) else time()
        with self.huey.storage.db(commit=True) as rows:
            rows.execute(
                "UPDATE jobs SET state = ?, value = ?, reason = ?, finished_at = ?, errors = "
                "iif(?5 IS NULL, errors, json_insert(errors, '$[#]', json(?5))) WHERE id = ?6",
                (_ENDED[type(outcome)], json.dumps(value), reason, ended, error, job_id),
            )
            if next(self._ended) % 1000 == 0:
                rows.execute(_FORGET, (self._settings.history_length,))


def make(settings: Settings) -> HueyBackend:
    """The backend for these settings."""
    return HueyBackend(settings)

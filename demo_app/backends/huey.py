"""Jobs in a SQLite file, run by huey's consumer: what Delayed Job is to Rails.

Huey's tables `task` and `schedule` say what is to be run, and when; its table `kv`, which is for
results, has what became of each job (`huey_record`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC
from functools import cached_property
from itertools import count
from typing import Any

import psutil
from huey import SqliteHuey
from huey.api import Task
from huey.exceptions import RetryTask
from huey.registry import Message
from huey.storage import EmptyData

from demo_app.backends.huey_record import RECORDS, Readable, Record
from demo_app.backends.missing import Missing
from demo_app.jobs.backend import Backend
from demo_app.jobs.capabilities import QUEUE, Death, Priority
from demo_app.jobs.job import Job
from demo_app.jobs.outcome import Retry, begin, end
from demo_app.jobs.perform import perform
from demo_app.jobs.result import TaskResult
from demo_app.settings import Settings

#: States of a job that is in one of huey's tables, or with a worker.
_OPEN = ("queued", "scheduled", "retrying", "running")
_ADD = "INSERT OR IGNORE INTO kv (queue, key, value) VALUES (?, ?, ?)"
_STATE = "json_extract(CAST(value AS TEXT), '$.result.state')"
#: A record is written again when its job ends, and so moves to the end of the table.
_DELETE_OLDEST = f"""
DELETE FROM kv WHERE rowid IN (
    SELECT rowid FROM kv WHERE {_STATE} IN ('done', 'discarded')
    ORDER BY rowid DESC LIMIT -1 OFFSET ?
)
"""


class HueyBackend(Backend):
    """See the module.

    A consumer deletes a job from the table before it runs it: what runs when the consumer is
    killed is lost. What waits is safe on disk.
    """

    name = "huey"
    capabilities = replace(
        QUEUE, priority=Priority.EXACT, survives=frozenset({Death.ENQUEUER, Death.CLAIM})
    )

    def __init__(self, chosen: Settings) -> None:
        self._settings, self._path = chosen, chosen.dir / "huey.sqlite3"
        self._missing = Missing(chosen.lease_seconds)
        self._ended = count(1)

    @cached_property
    def huey(self) -> SqliteHuey:
        """The queue in its file: each commit is on disk, and ids are never used twice."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        made = SqliteHuey(
            filename=str(self._path),
            results=False,
            fsync=True,
            timeout=30,
            strict_fifo=True,
            serializer=Readable(),
        )
        made.task(name="run", context=True)(self._run)
        return made

    def _enqueue(self, jobs: list[Job]) -> None:
        """Put the jobs into the file, in one transaction; a known id changes nothing."""
        with self.huey.storage.db(commit=True) as rows:
            for job in jobs:
                record = RECORDS.dump_json(Record(job, self.handle(job)))
                rows.execute(_ADD, (self.huey.name, job.id, record))
                if rows.rowcount:
                    self._put(rows, job)

    def find(self, job_id: str) -> TaskResult | None:
        """What the file says of the job."""
        record = self._record(job_id)
        return record.result if record else None

    def states(self, job_ids: Sequence[str]) -> dict[str, str]:
        """The state of each job that the file has; one whose worker died with it waits again."""
        texts = self.huey.storage.peek_many(job_ids)
        found = {job: RECORDS.validate_json(text) for job, text in texts.items()}
        away = {job: one.worker for job, one in found.items() if one.result.state in _OPEN}
        for job_id in self._waiting_ids() if away else ():
            away.pop(job_id, None)
        dead = {job for job, pid in away.items() if pid and not psutil.pid_exists(pid)}
        taken = [job for job, pid in away.items() if not pid]
        for job_id in dead | self._missing.lost(taken, found):
            self._take_back(found[job_id])
        return {job: record.result.state for job, record in found.items()}

    def _take_back(self, record: Record) -> None:
        """The worker died that had this job: it waits again, unless too many have died with it."""
        result, record.worker = record.result, None
        died = result.attempts - record.job.attempts - len(result.errors)
        result.state = "dead" if died > self._settings.max_rescues else "queued"
        self._keep(record)
        if result.state == "queued":
            with self.huey.storage.db(commit=True) as rows:
                self._put(rows, record.job)

    def _record(self, job_id: str) -> Record | None:
        text = self.huey.storage.peek_data(job_id)
        return None if text is EmptyData else RECORDS.validate_json(text)

    def _keep(self, record: Record) -> None:
        self.huey.storage.put_data(record.job.id, RECORDS.dump_json(record))

    def count_by_state(self) -> dict[str, int]:
        """How many jobs are in each state; one whose worker was killed counts as running."""
        sql = f"SELECT {_STATE} AS state, count(*) FROM kv WHERE state IS NOT NULL GROUP BY state"
        return dict(self.huey.storage.sql(sql, results=True))

    def worker_command(self) -> list[str]:
        """Huey's consumer."""
        return [sys.executable, "-m", "demo_app.backends.huey_worker"]

    def worker_ready(self, pid: int) -> bool:
        """Whether the consumer with this pid takes jobs; asks the file, without making one."""
        return self._path.exists() and bool(self.huey.storage.has_data_for_key(f"worker:{pid}"))

    def close(self) -> None:
        """Close this process's connection to the file."""
        if "huey" in self.__dict__:  # or there is no connection yet
            self.huey.storage.close()

    def _waiting_ids(self) -> Iterator[str]:
        storage = self.huey.storage
        messages = map(self._message, (*storage.enqueued_items(), *storage.scheduled_items()))
        return (message.id for message in messages if message)

    def _message(self, data: bytes) -> Message | None:
        """What a row of huey's tables says; None if it is no job, for huey to complain about."""
        with suppress(ValueError, TypeError):
            return self.huey.serializer.deserialize(data)
        return None

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
        record = self._begin(task.id)
        outcome = perform(replace(record.job, attempts=record.result.attempts - 1))
        end(record.result, outcome)
        record.worker = None
        self._keep(record)
        if next(self._ended) % 1000 == 0:
            self.huey.storage.sql(_DELETE_OLDEST, (self._settings.history_length,), commit=True)
        if isinstance(outcome, Retry):
            raise RetryTask(delay=outcome.after)

    def _begin(self, job_id: str) -> Record:
        """Note that this process begins a try of the job."""
        record = self._record(job_id)
        assert record is not None
        begin(record.result, record.result.attempts + 1)
        record.worker = os.getpid()
        self._keep(record)
        return record


def make(settings: Settings) -> HueyBackend:
    """The backend for these settings."""
    return HueyBackend(settings)

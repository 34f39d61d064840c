"""Jobs in a SQLite file, run by huey's consumer: what Delayed Job is to Rails.

Huey's tables `task` and `schedule` say what is to be run, and when; our table `jobs` beside them
(`huey_table`) says what became of each job.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import psutil
from huey import SqliteHuey
from huey.api import Task
from huey.exceptions import RetryTask
from huey.registry import Message
from huey.serializer import Serializer

from demo_app.backends.huey_table import JobTable
from demo_app.backends.missing import Missing
from demo_app.jobs.backend import Backend
from demo_app.jobs.capabilities import Capabilities, Death, Priority
from demo_app.jobs.job import Job
from demo_app.jobs.outcome import Retry
from demo_app.jobs.perform import perform
from demo_app.jobs.result import TaskResult
from demo_app.settings import Settings

#: States of a job that is in one of huey's tables, or with a worker.
_OPEN = ("queued", "scheduled", "retrying", "running")


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
        self._settings, self._path = chosen, chosen.dir / "huey.sqlite3"
        self._missing = Missing(chosen.lease_seconds)

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

    @cached_property
    def _jobs(self) -> JobTable:
        return JobTable(self.huey.storage, self._settings.history_length)

    def _enqueue(self, jobs: list[Job]) -> None:
        """Put the jobs into the file, in one transaction; a known id changes nothing."""
        table = self._jobs
        with self.huey.storage.db(commit=True) as rows:
            for job in jobs:
                if table.add(rows, job):
                    self._put(rows, job)

    def find(self, job_id: str) -> TaskResult | None:
        """What the file says of the job."""
        return self._jobs.find(job_id, self.handle)

    def states(self, job_ids: Sequence[str]) -> dict[str, str]:
        """The state of each job that the file has; one whose worker died with it waits again."""
        found = self._jobs.states(job_ids)
        away = {job: pid for job, (state, pid) in found.items() if state in _OPEN}
        for job_id in self._waiting_ids() if away else ():
            away.pop(job_id, None)
        dead = {job for job, pid in away.items() if pid and not psutil.pid_exists(pid)}
        taken = [job for job, pid in away.items() if not pid]
        states = {job: state for job, (state, _) in found.items()}
        for job_id in dead | self._missing.lost(taken, found):
            job = self._jobs.job(job_id)
            with self.huey.storage.db(commit=True) as rows:
                states[job_id] = self._jobs.take_back(rows, job_id, self._settings.max_rescues)
                if states[job_id] == "queued":
                    self._put(rows, job)
        return states

    def count_by_state(self) -> dict[str, int]:
        """How many jobs are in each state; one whose worker was killed counts as running."""
        return self._jobs.count_by_state()

    def pending(self) -> Iterator[Job]:
        """Every job that waits, in the order in which they would run."""
        for table, order in (("task", "priority DESC, id"), ("schedule", "timestamp")):
            sql = f"SELECT id, data FROM {table} ORDER BY {order}"
            for row, data in self.huey.storage.sql(sql, results=True):
                with suppress(
                    ValueError, TypeError
                ):  # of somebody else, and for huey to complain about
                    message = self.huey.serializer.deserialize(data)
                    self._place = table, row
                    due = message.eta and message.eta.replace(tzinfo=UTC)
                    yield replace(self._jobs.job(message.id), run_after=due)

    def delete(self, job: Job) -> None:
        """Delete the job that `pending` gave last: it is safe elsewhere."""
        table, row = self._place
        with self.huey.storage.db(commit=True) as rows:
            rows.execute(f"DELETE FROM {table} WHERE id = ?", (row,))
            rows.execute("DELETE FROM jobs WHERE id = ?", (job.id,))

    def worker_command(self) -> list[str]:
        """Huey's consumer."""
        return [sys.executable, "-m", "demo_app.backends.huey_worker"]

    def worker_ready(self, pid: int) -> bool:
        """Whether the consumer with this pid takes jobs; asks the file, without making one."""
        file_uri = f"{self._path.absolute().as_uri()}?mode=rw"
        with suppress(sqlite3.Error), closing(sqlite3.connect(file_uri, uri=True)) as file:
            found = file.execute("SELECT 1 FROM workers WHERE pid = ?", (pid,)).fetchone()
            return found is not None
        return False

    def close(self) -> None:
        """Close this process's connection to the file."""
        if "huey" in self.__dict__:  # or there is no connection yet
            self.huey.storage.close()

    def _waiting_ids(self) -> Iterator[str]:
        storage = self.huey.storage
        for data in (*storage.enqueued_items(), *storage.scheduled_items()):
            with suppress(ValueError, TypeError):
                yield self.huey.serializer.deserialize(data).id

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
        outcome = perform(self._jobs.started(task.id))
        self._jobs.ended(task.id, outcome)
        if isinstance(outcome, Retry):
            raise RetryTask(delay=outcome.after)


def make(settings: Settings) -> HueyBackend:
    """The backend for these settings."""
    return HueyBackend(settings)

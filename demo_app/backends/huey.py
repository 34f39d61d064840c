"""Jobs in a SQLite file, run by huey's consumer, like Delayed Job in Rails.

Huey's tables `task` and `schedule` contain the waiting jobs. Huey's table for results, `kv`,
contains the `TaskResult` of each job.
"""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from huey import SqliteHuey
from huey.exceptions import RetryTask
from huey.registry import Message
from huey.serializer import Serializer
from huey.storage import EmptyData
from pydantic import TypeAdapter

from demo_app.jobs.backend import Backend
from demo_app.jobs.capabilities import QUEUE, Death, Priority
from demo_app.jobs.job import Job
from demo_app.jobs.outcome import Retry, begin, end
from demo_app.jobs.perform import perform
from demo_app.jobs.result import TaskResult
from demo_app.settings import Settings

_RESULTS = TypeAdapter(TaskResult)
_STATE = "json_extract(CAST(value AS TEXT), '$.state')"


class Readable(Serializer):  # type: ignore[misc]
    """Huey's messages as JSON. Huey's default is pickle, which can run code."""

    def _serialize(self, data: Message) -> bytes:
        return json.dumps(data, default=datetime.isoformat).encode()

    def _deserialize(self, data: bytes) -> Message:
        message = Message(*json.loads(data))
        eta = message.eta and datetime.fromisoformat(message.eta)
        return message._replace(eta=eta)


class HueyBackend(Backend):
    """A backend whose jobs are run by huey.

    A consumer deletes a job from the table before it runs the job. A killed consumer loses the jobs
    that it has taken. The results of these jobs remain, with the last state (usually "running").
    Waiting jobs are safe on disk.
    """

    name = "huey"
    capabilities = replace(QUEUE, priority=Priority.EXACT, survives=frozenset({Death.ENQUEUER}))

    def __init__(self, chosen: Settings) -> None:
        self._path = chosen.dir / "huey.sqlite3"

    @cached_property
    def huey(self) -> SqliteHuey:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        made = SqliteHuey(
            filename=str(self._path),
            results=False,
            fsync=True,
            timeout=30,
            strict_fifo=True,
            serializer=Readable(),
        )
        made.task(name="run")(self._run)
        return made

    def _enqueue(self, jobs: list[Job]) -> None:
        run = self.huey._registry.string_to_task(f"{__name__}.run")
        for job in jobs:
            if self.find(job.id) is not None:
                continue
            task = run((job.as_record(),), id=job.id, priority=job.priority)
            if job.run_after is None:
                self.huey.enqueue(task)
            else:
                # huey expects UTC without a time zone
                task.eta = job.run_after.astimezone(UTC).replace(tzinfo=None)
                self.huey.add_schedule(task)
            # Write the result last. A job with a result is not enqueued again: if the result came
            # first, a kill between the two writes would lose the job.
            self.huey.storage.put_if_empty(job.id, _RESULTS.dump_json(self.handle(job)))

    def find(self, job_id: str) -> TaskResult | None:
        text = self.huey.storage.peek_data(job_id)
        return None if text is EmptyData else _RESULTS.validate_json(text)

    def count_by_state(self) -> dict[str, int]:
        """Return the number of jobs by state. A lost job still counts in its last state."""
        sql = f"SELECT {_STATE} AS state, count(*) FROM kv WHERE state IS NOT NULL GROUP BY state"
        return dict(self.huey.storage.sql(sql, results=True))

    def worker_command(self) -> list[str]:
        return [sys.executable, "-m", "demo_app.backends.huey_worker"]

    def worker_ready(self, pid: int) -> bool:
        return self._path.exists() and bool(self.huey.storage.has_data_for_key(f"worker:{pid}"))

    def close(self) -> None:
        if "huey" in self.__dict__:  # do not open the file only to close it
            self.huey.storage.close()

    def _run(self, record: dict[str, Any]) -> None:
        job = Job.from_record(record)
        result = self.find(job.id) or self.handle(job)
        begin(result, result.attempts + 1)
        self._keep(result)
        job = replace(job, attempts=result.attempts - 1)
        outcome = perform(job)
        end(result, outcome)
        self._keep(result)
        if isinstance(outcome, Retry):
            raise RetryTask(delay=outcome.after)

    def _keep(self, result: TaskResult) -> None:
        self.huey.storage.put_data(result.id, _RESULTS.dump_json(result))


def make(settings: Settings) -> HueyBackend:
    return HueyBackend(settings)

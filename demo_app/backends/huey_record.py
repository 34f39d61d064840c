"""What is written into huey's file: its messages, and what is known of each job."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime

from huey.registry import Message
from huey.serializer import Serializer

from demo_app.jobs.job import Job
from demo_app.jobs.result import TaskError, TaskResult

_PLAIN = ("state", "attempts", "reason", "_return_value")
_MOMENTS = ("started_at", "finished_at")


class Readable(Serializer):  # type: ignore[misc]
    """Huey's messages as JSON: for people to read, and with no pickle that one would have to
    trust."""

    def _serialize(self, data: Message) -> bytes:
        return json.dumps(data, default=datetime.isoformat).encode()

    def _deserialize(self, data: bytes) -> Message:
        message = Message(*json.loads(data))
        eta = message.eta and datetime.fromisoformat(message.eta)
        return message._replace(eta=eta)


@dataclass(slots=True)
class Record:
    """A job in huey's store of results.

    job: as it was put in. result: what became of it. worker: the pid of the process that runs it.
    """

    job: Job
    result: TaskResult
    worker: int | None = None

    def to_json(self) -> bytes:
        """The record as it is stored."""
        kept = {name: getattr(self.result, name) for name in (*_PLAIN, *_MOMENTS)}
        kept["errors"] = [asdict(error) for error in self.result.errors]
        whole = {"job": self.job.as_record(), "worker": self.worker, **kept}
        return json.dumps(whole, default=datetime.isoformat).encode()

    @classmethod
    def from_json(cls, text: bytes, handle: Callable[[Job], TaskResult]) -> Record:
        """The record that was stored. handle: the handle to a job."""
        kept = json.loads(text)
        job = Job.from_record(kept["job"])
        result = handle(job)
        for name in _PLAIN:
            setattr(result, name, kept[name])
        for name in _MOMENTS:
            setattr(result, name, kept[name] and datetime.fromisoformat(kept[name]))
        result.errors = [TaskError(**error) for error in kept["errors"]]
        return cls(job, result, kept["worker"])

"""What is written into huey's file: its messages, and what is known of each job."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from huey.registry import Message
from huey.serializer import Serializer
from pydantic import TypeAdapter

from demo_app.jobs.job import Job
from demo_app.jobs.result import TaskResult


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
    """A job in huey's store of results, as JSON.

    job: as it was put in. result: what became of it. worker: the pid of the process that runs it.
    """

    job: Job
    result: TaskResult
    worker: int | None = None


#: Writes and reads them.
RECORDS = TypeAdapter(Record)

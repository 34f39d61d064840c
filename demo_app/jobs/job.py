"""A job: its task, arguments, queue, priority and due time."""

import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from demo_app.settings import complaint


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is enqueued.

    Attributes:
        task: the dotted name of its task.
        priority: higher runs first; 0 is normal.
        run_after: the earliest time to run it, with a time zone; None for now.
        attempts: tries that have failed so far.
        enqueued_at: seconds since the epoch.
        owner: the id of the job's blog; "" for none. Workers of other blogs refuse the job.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    task: str
    arguments: dict[str, Any]
    queue_name: str = "default"
    priority: int = 0
    run_after: datetime | None = None
    attempts: int = 0
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    enqueued_at: float = field(default_factory=lambda: time.time())
    owner: str = ""

    @property
    def due(self) -> float | None:
        """`run_after` as seconds since the epoch."""
        return None if self.run_after is None else self.run_after.timestamp()

    def as_record(self) -> dict[str, Any]:
        absent = set() if self.owner else {"owner"}  # an older app would reject the field
        record: dict[str, Any] = _RECORDS.dump_python(self, mode="json", exclude=absent)
        return record

    @classmethod
    def from_record(cls, record: object) -> "Job":
        """Return the job that the record describes. Records come from `as_record`.

        Raises:
            ValueError: the object is not a valid record.
        """
        try:
            return _RECORDS.validate_python(record)
        except ValidationError as error:
            raise ValueError(": ".join(filter(None, complaint(error)))) from None


_RECORDS = TypeAdapter(Job)

"""One job: a task, its arguments, and when and where it should run."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from demo_app.settings import complaint


@dataclass(frozen=True, slots=True)
class Job:
    """What is put into a queue; a backend needs nothing else to run it.

    run_after: an aware point in time before which the job must not run; None for at once.
    priority: higher runs first, 0 is normal.
    attempts: how many tries have failed so far. owner: whose job it is, in a queue that others may
    use too; "" for nobody's.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")  # of a record

    task: str
    arguments: dict[str, Any]
    queue_name: str = "default"
    priority: int = 0
    run_after: datetime | None = None
    attempts: int = 0
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    enqueued_at: float = field(default_factory=lambda: time.time())  # by the clock of the moment
    owner: str = ""

    @property
    def due(self) -> float | None:
        """`run_after` as seconds since the epoch."""
        return None if self.run_after is None else self.run_after.timestamp()

    def as_record(self) -> dict[str, Any]:
        """The job as JSON carries it."""
        absent = set() if self.owner else {"owner"}  # an older version of the app does not know it
        record: dict[str, Any] = _RECORDS.dump_python(self, mode="json", exclude=absent)
        return record

    @classmethod
    def from_record(cls, record: object) -> Job:
        """The job that `as_record` wrote down.

        Raises ValueError, with a sentence, when that is no record of a job.
        """
        try:
            return _RECORDS.validate_python(record)
        except ValidationError as error:
            raise ValueError(": ".join(filter(None, complaint(error)))) from None


_RECORDS = TypeAdapter(Job)

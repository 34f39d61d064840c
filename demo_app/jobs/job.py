"""One job: a task, its arguments, and when and where it should run."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Job:
    """What is put into a queue; a backend needs nothing else to run it.

    run_after: an aware point in time before which the job must not run; None for at once.
    priority: higher runs first, 0 is normal.
    attempts: how many tries have failed so far. owner: whose job it is, in a queue that others may
    use too; "" for nobody's.
    """

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
        record = asdict(self)
        record["run_after"] = self.run_after and self.run_after.isoformat()
        if not self.owner:  # an older version of the app does not know it
            del record["owner"]
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Job:
        """The job that `as_record` wrote down.

        Raises TypeError or ValueError when that is no record of a job.
        """
        if not isinstance(record, Mapping):
            raise TypeError(f"a record is a mapping, not {record!r:.80}")
        run_after = record.get("run_after")
        moment = datetime.fromisoformat(run_after) if run_after else None
        job = cls(**{**record, "run_after": moment})
        for name, kind in _KINDS.items():
            if not isinstance(getattr(job, name), kind):
                raise TypeError(f"{name} is {getattr(job, name)!r:.80}")
        return job


#: What the fields of a record have to be.
_KINDS: dict[str, type | tuple[type, ...]] = {
    "task": str,
    "arguments": dict,
    "queue_name": str,
    "priority": int,
    "attempts": int,
    "id": str,
    "enqueued_at": (int, float),
    "owner": str,
}

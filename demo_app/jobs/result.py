"""What became of a job, in the words of Python's standard for this layer (DEP 14)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class TaskResultStatus(StrEnum):
    """DEP 14's statuses."""

    READY = "READY"
    RUNNING = "RUNNING"
    FAILED = "FAILED"
    SUCCESSFUL = "SUCCESSFUL"


#: DEP 14's status for each state of the job layer; every other state is READY.
STATUS_OF_STATE = {
    "running": TaskResultStatus.RUNNING,
    "done": TaskResultStatus.SUCCESSFUL,
    "dead": TaskResultStatus.FAILED,
    "discarded": TaskResultStatus.FAILED,
}


class GivenUp(Exception):
    """The job can't be run: no worker knows its task, or too many workers died with it."""


GIVEN_UP = f"{GivenUp.__module__}.{GivenUp.__qualname__}"


@dataclass(frozen=True, slots=True)
class TaskError:
    """One failed try: the exception's dotted name, and the traceback as text."""

    exception_class_path: str
    traceback: str


@dataclass(slots=True)
class TaskResult:
    """What is known of a job that was put in; `Backend.find` looks again.

    arguments: None when the job has ended and its backend has dropped them. attempts: how many
    tries were begun. errors: one for each that failed. state: the job layer's own word, finer than
    `status`. reason: why it was discarded.
    """

    id: str
    task: str
    arguments: dict[str, Any] | None
    backend: str
    attempts: int = 0
    errors: list[TaskError] = field(default_factory=list)
    enqueued_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    state: str = "queued"
    reason: str = ""
    _return_value: Any = None

    @property
    def status(self) -> TaskResultStatus:
        """DEP 14's word for the state."""
        return STATUS_OF_STATE.get(self.state, TaskResultStatus.READY)

    @property
    def is_finished(self) -> bool:
        """Whether the job has come to an end, good or bad."""
        return self.status in (TaskResultStatus.FAILED, TaskResultStatus.SUCCESSFUL)

    @property
    def return_value(self) -> Any:
        """What the job returned.

        Raises ValueError unless the job was successful.
        """
        if self.status is not TaskResultStatus.SUCCESSFUL:
            raise ValueError(f"the job {self.id} has no result: it is {self.status}")
        return self._return_value

"""The result of a job, with the attribute names of Django's tasks (DEP 14)."""

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


#: DEP 14's status for each state of the job layer. Every other state is READY.
STATUS_OF_STATE = {
    "running": TaskResultStatus.RUNNING,
    "done": TaskResultStatus.SUCCESSFUL,
    "dead": TaskResultStatus.FAILED,
    "discarded": TaskResultStatus.FAILED,
}


class GivenUp(Exception):
    """The job cannot run: its task is unknown, or too many workers died while they ran it."""


GIVEN_UP = f"{GivenUp.__module__}.{GivenUp.__qualname__}"


@dataclass(frozen=True, slots=True)
class TaskError:
    """One failed try: the dotted name of the exception, and the traceback as text."""

    exception_class_path: str
    traceback: str


@dataclass(slots=True)
class TaskResult:
    """The state of a job when it was read. `Backend.find` returns the present state.

    Attributes:
        task: the dotted name of its task.
        arguments: its arguments; None if the job has ended and the backend has dropped them.
        attempts: tries that have begun.
        errors: one error for each failed try.
        enqueued_at, finished_at: None if unknown, or not reached yet.
        started_at: the start of the last try; None if unknown, or before the first try.
        state: the job layer's state, finer than `status`.
        reason: the reason for the discard; "" for other jobs.
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
        return STATUS_OF_STATE.get(self.state, TaskResultStatus.READY)

    @property
    def is_finished(self) -> bool:
        return self.status in (TaskResultStatus.FAILED, TaskResultStatus.SUCCESSFUL)

    @property
    def return_value(self) -> Any:
        """The task's return value.

        Raises:
            ValueError: the job was not successful.
        """
        if self.status is not TaskResultStatus.SUCCESSFUL:
            raise ValueError(f"the job {self.id} has no result: it is {self.status}")
        return self._return_value

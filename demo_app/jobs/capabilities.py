"""The capabilities of a backend. A job that needs more is refused, never silently changed."""

from dataclasses import dataclass
from enum import StrEnum


class Unsupported(ValueError):
    """The backend cannot run this job."""


class Priority(StrEnum):
    """The number of priorities that a backend distinguishes."""

    NONE = "none"
    CLASSES = "three classes"  # above 0, 0, below 0
    EXACT = "every number"


class Death(StrEnum):
    """The deaths of processes (by SIGKILL) that a backend may survive without losing a job.

    Attributes:
        ENQUEUER: the producer, while its jobs wait.
        WORKER: a worker in the middle of a job.
        CLAIM: a worker while it takes a job.
    """

    ENQUEUER = "enqueuer"
    WORKER = "worker"
    CLAIM = "claim"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The optional features of a backend. Every backend runs jobs and retries failed ones.

    Attributes:
        priority: the number of priorities that the backend distinguishes.
        run_after: jobs can wait until they are due.
        results: `find` returns the result of a job.
        fifo: jobs of the same queue and priority begin in the order in which they were enqueued.
        survives: the deaths of processes after which no job is lost.
        in_redis: the jobs are stored in the Redis of the settings.
    """

    priority: Priority = Priority.NONE
    run_after: bool = False
    results: bool = False
    fifo: bool = False
    survives: frozenset[Death] = frozenset()
    in_redis: bool = False


#: The common capabilities of this project's backends that have a queue (stock Celery has fewer).
QUEUE = Capabilities(run_after=True, results=True, fifo=True)

"""What a backend promises. What it doesn't promise is refused, never silently ignored."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Unsupported(ValueError):
    """A job asks for something that the backend does not do."""


class Priority(StrEnum):
    """How finely a backend tells priorities apart."""

    NONE = "none"
    CLASSES = "three classes"  # above 0, 0, below 0
    EXACT = "every number"


class Death(StrEnum):
    """What may be killed with SIGKILL, with no job lost.

    ENQUEUER: the process that put the jobs in, while they wait. WORKER: the process that runs a
    job, in the middle of it. CLAIM: a worker at the moment at which it takes a job.
    """

    ENQUEUER = "enqueuer"
    WORKER = "worker"
    CLAIM = "claim"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend promises, in addition to running every job and retrying failed ones.

    run_after: jobs can wait for a moment. results: `find` knows what became of a job.
    fifo: jobs of the same queue and priority begin in the order in which they came.
    survives: with which deaths it loses nothing. in_redis: they are kept in the settings' Redis.
    """

    priority: Priority = Priority.NONE
    run_after: bool = False
    results: bool = False
    fifo: bool = False
    survives: frozenset[Death] = frozenset()
    in_redis: bool = False


#: What a queue with workers of its own promises here, whatever else.
QUEUE = Capabilities(run_after=True, results=True, fifo=True)

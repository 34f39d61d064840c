"""A claim: the right to a job that one worker has, and how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple


class Disposition(StrEnum):
    """How a claim ends, in AMQP's word for it."""

    DONE = "done"
    RETRY = "retry"
    DISCARD = "discard"
    DEAD = "dead"
    REQUEUE = "requeue"  # to its queue's head
    REQUEUE_LAST = "requeue_last"  # to its tail
    UNANSWERED = "unanswered"  # the worker has not received it
    LOST = "lost"  # the process that ran it died


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that a worker holds: it alone may acknowledge it.

    number: this claim's own (a fencing token): a later claim of the same job has another.
    """

    worker: str
    lane: str
    id: str
    number: str

    def is_of(self, task_id: str) -> bool:
        """Whether its job is the task that Celery knows by that id (see `enqueue.lua`)."""
        names = (self.id, self.id.removeprefix("="))
        return any(name == task_id or name.startswith(f"{task_id}#") for name in names)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim, and the message of its job as JSON text.

    redelivered: it was claimed before, and given back.
    """

    claim: Claim
    message: str
    redelivered: bool = False


class Delivery(NamedTuple):
    """The message of a claim on its way to its consumer, with the tag by which it is known here."""

    tag: str
    payload: dict[str, Any]
    queue: str


class Ending(NamedTuple):
    """How a claim is to end.

    detail: what its history says. after: seconds until the next try, for RETRY. message: takes the
    place of the stored one. needs: what it waits for with RETRY, and what is there with DONE, by
    any name: a job that is done wakes some of those that wait for the same.
    """

    how: Disposition
    detail: str = ""
    after: float | None = None
    message: str = ""
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """How an acknowledgement went.

    in_time: False when the claim was not this worker's any more. following: the job taken next.
    """

    in_time: bool
    following: Claimed | None = None


def claimed_by(worker: str, answer: Sequence[str]) -> list[Claimed]:
    """Return the claims in the reply of a script that claims."""
    parts = zip(*[iter(answer)] * 5, strict=False)
    return [
        Claimed(Claim(worker, lane, job_id, number), message, bool(redelivered))
        for job_id, lane, number, redelivered, message in parts
    ]

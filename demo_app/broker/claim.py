"""A claim: one worker's right to run a job, and how it ends."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple


class Disposition(StrEnum):
    """The outcome of a claim (AMQP's word is "disposition")."""

    DONE = "done"
    RETRY = "retry"
    DISCARD = "discard"
    DEAD = "dead"
    REQUEUE = "requeue"  # to the head of its queue
    REQUEUE_LAST = "requeue_last"  # to the tail of its queue
    UNANSWERED = "unanswered"  # the reply to the claim was lost
    LOST = "lost"  # the process that ran the job died


class Claim(NamedTuple):
    """A worker's claim of a job. Only this worker may acknowledge the job.

    Attributes:
        number: a fencing token; each claim of a job has a new one.
    """

    worker: str
    list_name: str
    id: str
    number: str


class Claimed(NamedTuple):
    """A claim with the message of its job as JSON text.

    Attributes:
        redelivered: True if the job was claimed before and given back.
    """

    claim: Claim
    message: str
    redelivered: bool = False


class Delivery(NamedTuple):
    """The message of a claimed job, to be delivered to its consumer with this tag."""

    tag: str
    payload: dict[str, Any]
    queue: str


class Ending(NamedTuple):
    """The requested end of a claim.

    Attributes:
        detail: text for the job's history.
        after: seconds until the next try, for RETRY.
        message: a new message for the job; "" keeps the old one.
        needs: the name of a service; "" for none. After RETRY, the job may run before its due time
            if the service works again. DONE shows that the service works, and enqueues some of the
            jobs that wait for it.
    """

    how: Disposition
    detail: str = ""
    after: float | None = None
    message: str = ""
    needs: str = ""


class Ended(NamedTuple):
    """The result of an acknowledgement.

    Attributes:
        in_time: False if the acknowledgement came too late for this outcome (see `finish.lua`).
        following: the job that was claimed in the same step, or None.
    """

    in_time: bool
    following: Claimed | None = None


def claimed_by(worker: str, reply: Sequence[str]) -> list[Claimed]:
    """Parse the reply of a script that claims jobs."""
    parts = zip(*[iter(reply)] * 5, strict=False)
    return [
        Claimed(Claim(worker, list_name, job_id, number), message, bool(redelivered))
        for job_id, list_name, number, redelivered, message in parts
    ]

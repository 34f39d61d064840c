"""The search for a job in all its possible places: outbox, queue, memory, inbox.

A job moves from its producer's outbox (or memory) into the queue, and its mail moves into the
inbox. Reading the outbox, the queue and the inbox once, in this order, also finds a job that moves
meanwhile. A job is lost if it is in none of these places.
"""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from .events import State
from .snapshot import JobSeen


class Place(StrEnum):
    """A place where a job can be.

    Attributes:
        UNSURE: Redis may have the job, but does not answer.
    """

    OUTBOX = "outbox"
    MEMORY = "memory"
    QUEUED = "queued"
    RUNNING = "running"
    LATER = "later"
    DEAD = "dead"
    DELIVERED = "delivered"
    DISCARDED = "discarded"
    UNSURE = "unsure"
    LOST = "lost"


PLACE_OF_STATE = {
    State.QUEUED: Place.QUEUED,
    State.RUNNING: Place.RUNNING,
    State.SCHEDULED: Place.LATER,
    State.RETRYING: Place.LATER,
    State.DEAD: Place.DEAD,
    State.DONE: Place.DELIVERED,
    State.DISCARDED: Place.DISCARDED,
}


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The place of one job.

    Attributes:
        holder: the worker that runs it.
        rescued: True if one of its last events is a rescue.
        backend: the in-memory backend of this process that has or had the job; "" for none.
    """

    place: Place
    holder: str = ""
    rescued: bool = False
    backend: str = ""


def where(
    job_ids: Iterable[str],
    *,
    outbox: Mapping[str, bool],
    queue: Mapping[str, JobSeen] | None,
    arrived: Callable[[], Container[str]],
    memory: Mapping[str, Whereabouts] | None = None,
) -> dict[str, Whereabouts]:
    """Return the place of each job.

    Args:
        outbox: the jobs in the outbox, each with True if the relay has enqueued it. The caller
            must read the outbox before the queue.
        queue: the jobs of the queue; None if Redis does not answer.
        arrived: returns the jobs whose mails have arrived. It is called only if a job was not found
            elsewhere.
        memory: the places of the jobs of backends in this process; None if there are none.
    """
    found: dict[str, Whereabouts] = {}
    nowhere = []
    for job in job_ids:
        if memory and job in memory:
            found[job] = memory[job]
        elif queue is not None and job in queue:
            seen = queue[job]
            found[job] = Whereabouts(PLACE_OF_STATE[seen.state], seen.holder, seen.rescued)
        elif outbox.get(job) is False:
            found[job] = Whereabouts(Place.OUTBOX)
        elif queue is None:
            found[job] = Whereabouts(Place.UNSURE)
        else:
            nowhere.append(job)
    mailed = arrived() if nowhere else ()
    for job in nowhere:  # the relay enqueues a job of the outbox again if the queue has lost it
        rest = Place.OUTBOX if job in outbox else Place.LOST
        found[job] = Whereabouts(Place.DELIVERED if job in mailed else rest)
    return found

"""Where is this job? The one answer, over every place that may have it.

A job travels from the outbox of its producer (or that program's own memory) into the queue, and its
mail into the inbox. Who asks in that order, each place once, misses none that moves meanwhile.
Nothing is guessed: what nobody has is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from .events import State
from .snapshot import JobSeen


class Place(StrEnum):
    """Where a job can be. UNSURE: Redis may have it, and can't be asked now."""

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
    """holder: the worker that has it. rescued: whether it was lately rescued from a dead worker.
    backend: the backend in this process's memory that has, or had, it; "" for none."""

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
    """Where each job is.

    outbox: the jobs that it has, and whether it has handed each over; read before the queue.
    queue: the jobs that it knows; None when it can't be asked. arrived: asked last, and only when
    it is needed: the jobs whose mails have come. memory: what backends in this process have.
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
    for job in nowhere:  # what the queue has forgotten, the outbox hands over again
        rest = Place.OUTBOX if job in outbox else Place.LOST
        found[job] = Whereabouts(Place.DELIVERED if job in mailed else rest)
    return found

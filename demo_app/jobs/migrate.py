"""Bring the jobs that wait in one backend to another.

Each job is put into the target, with its id, before the source deletes it. A process that is killed
in between leaves it in both; the next run hands it over again, and a target that takes an id
once has it once. So a job is never lost, and runs twice at the worst.
"""

from __future__ import annotations

from collections.abc import Iterator

from demo_app.jobs.backend import Backend
from demo_app.jobs.capabilities import Death, Unsupported
from demo_app.jobs.job import Job


def migrate(source: Backend, target: Backend) -> Iterator[Job]:
    """Move every job that waits; gives each after it was moved.

    Raises Unsupported, and leaves in the source what was not moved yet, when the source's jobs
    can't be had, when the target would lose them with this process, or can't do what one asks
    for.
    """
    if Death.ENQUEUER not in target.capabilities.survives:
        raise Unsupported(
            f"the backend {target.name!r} keeps its jobs in the process that puts them in: "
            "what is moved there would end with this command"
        )
    for job in source.pending():
        target.enqueue(job)
        source.delete(job)
        yield job

"""Put jobs in only after the transaction that they belong to has been committed.

A job that is put in at once may run before the transaction ends, and not find its rows; or run
for rows that were rolled back. A process that dies between the commit and the putting in loses
the job: what must not be lost goes through the outbox (`demo_app.blog.outbox`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from itertools import groupby
from typing import TypeVar

from demo_app.jobs.backend import Backend
from demo_app.jobs.job import Job

Transaction = TypeVar("Transaction")
_held: ContextVar[list[tuple[Backend, Job]] | None] = ContextVar("jobs held back", default=None)


@contextmanager
def after_commit(transaction: AbstractContextManager[Transaction]) -> Iterator[Transaction]:
    """Enter the transaction; the jobs put in inside wait for its end.

    They are put in, in their order, when it ends well, and dropped when it ends with an
    exception. In a block within a block they wait for the outer one::

        with after_commit(database.transaction()) as rows:
            rows.execute("INSERT ...")
            notify_author.enqueue(comment_id)
    """
    if _held.get() is not None:
        with transaction as entered:
            yield entered
        return
    jobs: list[tuple[Backend, Job]] = []
    token = _held.set(jobs)
    try:
        with transaction as entered:
            yield entered
    finally:
        _held.reset(token)
    for backend, pairs in groupby(jobs, key=lambda pair: pair[0]):
        backend.enqueue_many([job for _, job in pairs])


def hold_back(backend: Backend, jobs: list[Job]) -> bool:
    """Keep the jobs until the block ends; False when there is no such block here.

    Raises Unsupported at once when a job asks for what the backend does not do.
    """
    held = _held.get()
    if held is None:
        return False
    for job in jobs:
        backend.check(job)
    held += [(backend, job) for job in jobs]
    return True

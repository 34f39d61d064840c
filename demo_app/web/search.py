"""Find jobs of one state by id, task, argument or error.

Redis has no index of what a job says, so jobs are looked at one after the other: a bounded
number each time, and the cursor says where to go on.
"""

from __future__ import annotations

import json

import redis

from demo_app.broker.connection import Decoded
from demo_app.broker.events import JobView, State
from demo_app.broker.inspect import Page, get_job, page
from demo_app.web.errors import DomainError

#: Jobs looked at for one answer.
DEPTH = 600
_STEP = 200


def search(
    client: Decoded, state: State, text: str, *, limit: int, cursor: str | None = None
) -> Page:
    """One page of the jobs in the state whose id, task, arguments or errors hold the text.

    A page may hold fewer than `limit` and still have a next one: then DEPTH jobs were looked at.
    Raises DomainError for a cursor that is none.
    """
    wanted = text.strip().casefold()
    try:
        if wanted:
            return _search(client, state, wanted, limit, cursor)
        return page(client, state, limit=limit, cursor=cursor)
    except redis.ResponseError:
        if cursor is None:
            raise
        raise DomainError(422, "cursor") from None


def _search(client: Decoded, state: State, wanted: str, limit: int, cursor: str | None) -> Page:
    if cursor is None and len(wanted) == 36:  # a whole id needs no search
        job = get_job(client, wanted)
        if job is not None and job.state is state:
            return Page((job,), None)
    found: list[JobView] = []
    for _ in range(DEPTH // _STEP):
        seen = page(client, state, limit=_STEP, cursor=cursor)
        for number, job in enumerate(seen.jobs, 1):
            if _fits(job, wanted):
                found.append(job)
            if len(found) == limit:
                if number < len(seen.jobs):  # the cursor right behind a job inside of a page
                    seen = page(client, state, limit=number, cursor=cursor)
                return Page(tuple(found), seen.next)
        cursor = seen.next
        if cursor is None:
            break
    return Page(tuple(found), cursor)


def _fits(job: JobView, wanted: str) -> bool:
    texts = [job.id, job.task, json.dumps(job.arguments, ensure_ascii=False, default=str)]
    texts += [event.error_class + event.traceback for event in job.timeline if event.notes]
    return any(wanted in text.casefold() for text in texts)

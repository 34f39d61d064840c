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
from demo_app.web.problems import Refused

#: Jobs looked at for one answer.
DEPTH = 600
_STEP = 200


def search(
    client: Decoded, state: State, text: str, *, limit: int, cursor: str | None = None
) -> Page:
    """One page of the jobs in the state whose id, task, arguments or errors hold the text.

    A page may hold fewer than `limit` and still have a next one: then DEPTH jobs were looked at.
    Raises Refused for a cursor that is none.
    """
    try:
        return _search(client, state, text, limit, cursor)
    except redis.ResponseError:
        if cursor is None:
            raise
        raise Refused(422, "cursor") from None


def _search(client: Decoded, state: State, text: str, limit: int, cursor: str | None) -> Page:
    wanted = text.strip().casefold()
    if not wanted:
        return page(client, state, limit=limit, cursor=cursor)
    if cursor is None and len(wanted) == 36:  # a whole id needs no search
        job = get_job(client, wanted)
        if job is not None and job.state is state:
            return Page((job,), None)
    found: list[JobView] = []
    for _ in range(DEPTH // _STEP):
        looked = page(client, state, limit=_STEP, cursor=cursor)
        for number, job in enumerate(looked.jobs):
            if _fits(job, wanted):
                found.append(job)
                if len(found) == limit:
                    if number + 1 == len(looked.jobs):
                        return Page(tuple(found), looked.next)
                    # the cursor right behind a job in the middle of a page
                    upto = page(client, state, limit=number + 1, cursor=cursor)
                    return Page(tuple(found), upto.next)
        cursor = looked.next
        if cursor is None:
            return Page(tuple(found), None)
    return Page(tuple(found), cursor)


def _fits(job: JobView, wanted: str) -> bool:
    said = [job.id, job.task, json.dumps(job.arguments, ensure_ascii=False, default=str)]
    said += [event.error_class + event.traceback for event in job.timeline if event.notes]
    return any(wanted in part.casefold() for part in said)

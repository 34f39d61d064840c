"""The search for jobs of one state by id, task, argument or error, or by `task:NAME`, `queue:NAME`.

Redis has no index of the texts in a job, so a search reads the jobs one after the other, at most
`DEPTH` for each page. The cursor marks the beginning of the next page.
"""

import json

import redis

from ..events import State
from ..inspect import Page, get_job, page
from ..queue import Queue
from ..view import JobView
from .errors import DomainError

#: Jobs read for one page.
DEPTH = 600


def known_job(queue: Queue, job_id: str) -> JobView:
    """Return a job. Raises DomainError if Redis does not know it."""
    job = get_job(queue, job_id)
    if job is None:
        raise DomainError(404, "no_job", id=job_id)
    return job


def search(queue: Queue, state: State, text: str, *, limit: int, cursor: str | None = None) -> Page:
    """Return a page of the jobs in this state that match the text.

    The text must occur in the job's id, task, arguments or errors. The term `task:NAME` selects
    jobs by the last part of the task's name, and `queue:NAME` by the name of the queue. Case is
    ignored. A page ends after DEPTH jobs were read, so a page with fewer than `limit` jobs may
    still have a next page.

    Raises:
        DomainError: the cursor is invalid.
    """
    query = text.strip()
    try:
        if query:
            return _search(queue, state, query, limit, cursor)
        return page(queue, state, limit=limit, cursor=cursor)
    except redis.ResponseError:
        if cursor is None:
            raise
        raise DomainError(422, "cursor") from None


def _search(queue: Queue, state: State, query: str, limit: int, cursor: str | None) -> Page:
    if cursor is None and len(query) == 36:  # a whole id needs no search
        job = get_job(queue, query)
        if job is not None and job.state is state:
            return Page((job,), None)
    query = query.casefold()
    seen = page(queue, state, limit=DEPTH, cursor=cursor)
    found = [number for number, job in enumerate(seen.jobs, 1) if _fits(job, query)]
    jobs = tuple(seen.jobs[number - 1] for number in found[:limit])
    if len(found) <= limit:
        return Page(jobs, seen.next)
    # a cursor that continues after the last job shown
    return Page(jobs, page(queue, state, limit=found[limit - 1], cursor=cursor).next)


def _fits(job: JobView, query: str) -> bool:
    words, named = [], {"task": job.task.rpartition(".")[2], "queue": job.queue}
    for word in query.split():
        name, _, value = word.partition(":")
        if name not in named or not value:
            words.append(word)
        elif named[name].casefold() != value:
            return False
    query = " ".join(words)
    texts = [job.id, job.task, json.dumps(job.arguments, ensure_ascii=False, default=str)]
    texts += [event.error_class + event.traceback for event in job.timeline if event.notes]
    return any(query in text.casefold() for text in texts)

"""Read access to jobs: one job by its id, or a page of the jobs in one state.

Every call reads a bounded number of items, however long the queue is.
"""

from dataclasses import dataclass
from itertools import repeat
from typing import Any
from urllib.parse import quote, unquote

import redis

from .connection import Decoded
from .events import State
from .keys import urgency
from .queue import Queue
from .view import JobView, view_of

#: A job's position is searched only among this many jobs at the head of its queue.
SEARCH_DEPTH = 100_000
_BY_TIME = (State.SCHEDULED, State.RETRYING)  # soonest first; other states: newest first


@dataclass(frozen=True, slots=True)
class Page:
    """A page of jobs.

    Attributes:
        next: the cursor of the next page; None at the end.
    """

    jobs: tuple[JobView, ...]
    next: str | None


def get_job(queue: Queue, job_id: str) -> JobView | None:
    for view in get_jobs(queue, [job_id]):
        if view.state is State.QUEUED:
            view.position = _position(queue, view.list_name, job_id)
        return view
    return None


def _position(queue: Queue, list_name: str, job_id: str) -> int | None:
    """Return a job's position in a list: 1 for the head, None beyond SEARCH_DEPTH."""
    pipe, key = queue.client.pipeline(transaction=True), queue.keys("queue", list_name)
    pipe.lpos(key, job_id, rank=-1, maxlen=SEARCH_DEPTH)
    pipe.llen(key)
    found, length = answers_of(pipe)
    return None if found is None else int(length) - int(found)


def answers_of(pipe: Decoded) -> list[Any]:
    """Run a pipeline and return its replies, with None for each key of a wrong type (WRONGTYPE).

    Any program may write to Redis, and one foreign key must not break a whole page.

    Raises:
        redis.RedisError: any other error among the replies.
    """
    answers: list[Any] = pipe.execute(raise_on_error=False)
    for number, answer in enumerate(answers):
        if isinstance(answer, redis.ResponseError) and f"{answer}".startswith("WRONGTYPE"):
            answers[number] = None
        elif isinstance(answer, Exception):
            raise answer
    return answers


def page(queue: Queue, state: State, *, limit: int = 50, cursor: str | None = None) -> Page:
    """Return a page of jobs in one state.

    Queued jobs are in the order in which they will run, scheduled and retrying jobs by due time,
    and ended jobs with the newest first.

    Args:
        cursor: `next` of the previous page; None for the first page. Jobs may have left the state
            since the previous page.
    """
    if state is State.QUEUED:
        return _queued(queue, limit, cursor)
    if state is State.RUNNING:
        ids = _running(queue)
        start = ids.index(cursor) + 1 if cursor in ids else 0
        chosen = ids[start : start + limit]
        more = start + limit < len(ids)
        return Page(tuple(get_jobs(queue, chosen)), chosen[-1] if more and chosen else None)
    return _from_set(queue, state, limit, cursor)


def _queued(queue: Queue, limit: int, cursor: str | None) -> Page:
    escaped, _, after = (cursor or "").partition(" ")
    list_name = unquote(escaped)
    # if the cursor's job has left the list, all jobs before it have left too: do not skip jobs
    skip = (list_name and _position(queue, list_name, after)) or 0
    found = _next(queue, limit + 1, list_name, skip)  # an extra job means a next page
    shown = found[:limit]
    views = get_jobs(queue, [job_id for _, job_id, _ in shown], [spot for _, _, spot in shown])
    if len(found) <= limit:
        return Page(tuple(views), None)
    list_name, job_id, _ = shown[-1]
    return Page(tuple(views), f"{quote(list_name)} {job_id}")  # a space ends the list's name


def _next(queue: Queue, limit: int, first: str = "", skip: int = 0) -> list[tuple[str, str, int]]:
    """Return (list, id, position) of up to `limit` queued jobs, the most urgent lists first.

    Args:
        first: the list to begin with; "" for the most urgent one.
        skip: the number of jobs at the head of the first list to leave out.
    """
    client: Decoded = queue.client
    found: list[tuple[str, str, int]] = []
    for list_name in sorted(client.smembers(queue.keys("lists")), key=urgency):
        # `first` may have been emptied and forgotten since the last page
        if len(found) < limit and (not first or urgency(list_name) >= urgency(first)):
            start = skip if list_name == first else 0
            pipe = client.pipeline(transaction=False)
            # negative indices, since the head of a list is at its right end
            pipe.lrange(queue.keys("queue", list_name), len(found) - limit - start, -1 - start)
            [ids] = answers_of(pipe)
            spots = enumerate(reversed(ids or ()), start + 1)
            found += [(list_name, job_id, spot) for spot, job_id in spots]
    return found


def _running(queue: Queue) -> list[str]:
    client: Decoded = queue.client
    pipe = client.pipeline(transaction=False)
    lists = client.smembers(queue.keys("lists"))
    for worker in client.smembers(queue.keys("workers")):
        for list_name in lists:
            pipe.lrange(queue.keys("claims", list_name, worker), 0, -1)
    return [job_id for ids in answers_of(pipe) for job_id in reversed(ids or ())]


def _from_set(queue: Queue, state: State, limit: int, cursor: str | None) -> Page:
    client: Decoded = queue.client
    soonest_first, key = state in _BY_TIME, queue.keys(state)
    start = 0
    if cursor:
        score, _, job_id = cursor.partition(" ")
        rank = client.zrank(key, job_id) if soonest_first else client.zrevrank(key, job_id)
        if rank is not None:
            start = int(rank) + 1
        else:  # the job has left this state: continue at its old position
            bounds = ("-inf", f"({score}") if soonest_first else (f"({score}", "+inf")
            start = int(client.zcount(key, *bounds))
    rows = client.zrange(key, start, start + limit, desc=not soonest_first, withscores=True)
    views = get_jobs(queue, [row[0] for row in rows[:limit]])
    more = len(rows) > limit
    return Page(tuple(views), f"{rows[limit - 1][1]!r} {rows[limit - 1][0]}" if more else None)


def get_jobs(queue: Queue, ids: list[str], positions: list[int] | None = None) -> list[JobView]:
    """Return the jobs with these ids, without unknown ids.

    Args:
        positions: see `JobView`.
    """
    pipe = queue.client.pipeline(transaction=False)
    for job_id in ids:
        pipe.lrange(queue.keys("job", job_id), 0, -1)
        pipe.zscore(queue.keys("scheduled"), job_id)
        pipe.zscore(queue.keys("retrying"), job_id)
    rows = zip(*[iter(answers_of(pipe))] * 3, strict=True)
    known = zip(ids, positions or repeat(None), rows, strict=False)
    return [
        view_of(job_id, lines, position=position, due=scheduled or retrying)
        for job_id, position, (lines, scheduled, retrying) in known
        if lines
    ]

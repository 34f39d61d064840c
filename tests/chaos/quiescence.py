"""The wait until every mail has arrived or nothing changes any more, and traces of jobs."""

import json
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from chaos.context import OnLine
from chaos.ledger import comments_of, rows
from chaos.plan import Plan
from demo_app.broker.queue import Queue
from demo_app.broker.where import where
from demo_app.rig.polling import poll
from demo_app.stack.client import UNFINISHED, Client

#: Longest wait for the end of all jobs (seconds): more than the longest backoff of a mail.
LONGEST = 3600.0
#: Maximum number of jobs that the error of a timeout names.
_NAMED = 5
#: Maximum number of events that `trace` prints for a job.
_LAST = 12
#: The ids of the dead jobs that the campaign retried, each with the reason of the job's death.
ByHand = dict[str, str]


class StillMoving(RuntimeError):
    """Raised to end a campaign if jobs are still unfinished after `LONGEST` seconds."""


def wait_for_quiescence(client: Client, folder: Path, plan: Plan, on_line: OnLine) -> ByHand:
    """Wait for every comment's mail, as long as there is progress. Retry and return dead jobs.

    A job that waits for its next try counts as progress, however long its backoff.

    Raises:
        StillMoving: there was still progress after `LONGEST` seconds.
    """
    by_hand: ByHand = {}
    seen, since, comments, arrived = -1, time.monotonic(), set[str](), 0
    for _ in poll(LONGEST):
        with suppress(httpx.HTTPError):
            comments = {job for job, _ in comments_of(folder).values()}
            arrived = client.mail_stats()["distinct"]
            now = client.summary()
            moving, waiting = arrived + int(now["done"]), False
            if plan.stock:
                open_jobs = 0
            else:
                moving += _bring_back(client, by_hand)
                waiting = now["retrying"] + now["scheduled"] > 0
                open_jobs = now["queued"] + now["running"] + now["retrying"] + now["dead"]
            if arrived >= len(comments) and not open_jobs:
                return by_hand
            if moving != seen:
                on_line(f"       {arrived} of {len(comments)} mails have come")
            if moving != seen or waiting:
                seen, since = moving, time.monotonic()
        if time.monotonic() - since > plan.patience:
            return by_hand
    raise StillMoving(
        f"after {LONGEST:.0f} s {arrived} of {len(comments)} mails have come, and these jobs are "
        f"unfinished: {_unfinished(client)}"
    )


def _unfinished(client: Client) -> str:
    found = []
    with suppress(httpx.HTTPError):
        for state in (*UNFINISHED, "dead"):
            found += [f"{job['id']} is {state}" for job in client.jobs(state, _NAMED)["jobs"]]
    return ", ".join(found[:_NAMED]) or "none is known"


def _bring_back(client: Client, by_hand: ByHand) -> int:
    """Retry all dead jobs, and store the reasons of their deaths. Return the number of jobs."""
    dead: list[dict[str, Any]] = client.jobs("dead")["jobs"]
    for job in dead:
        last = client.job(job["id"])["timeline"][-1]
        client.decide(job["id"], "retry")
        by_hand[job["id"]] = str(last.get("text") or last.get("traceback") or last)
    return len(dead)


def trace(client: Client, folder: Path, job_ids: Iterable[str]) -> tuple[str, ...]:
    """Return one line for each job: its present state and its events."""
    ids = sorted(job_ids)
    outbox = {job: True for (job,) in rows(folder / "blog.sqlite3", "SELECT job_id FROM outbox")}
    queue = Queue(client.redis()).snapshot(ids=ids).looked_up
    found = where(ids, outbox=outbox, queue=queue, arrived=set)
    return tuple(
        f"{job}: {one.place} with {one.holder or 'nobody'}: {_history(client, job)}"
        for job, one in found.items()
    )


def _history(client: Client, job_id: str) -> str:
    try:
        timeline = client.job(job_id)["timeline"]
    except httpx.HTTPError as error:
        return f"the queue does not know it ({error})"
    found = []
    for event in timeline[-_LAST:]:
        detail = {k: v for k, v in event.items() if k not in ("at", "event", "traceback")}
        found.append(f"{float(event['at']):.3f} {event['event']} {json.dumps(detail)}")
    return " > ".join(found)

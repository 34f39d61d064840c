"""Where a mail that has not come was seen last, so that a loss can be followed up."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from demo_app.stack.client import Client

#: Events of a job's timeline that are told, the last ones.
_LAST = 12


def trace(client: Client, folder: Path, job_ids: Iterable[str]) -> tuple[str, ...]:
    """One line a job: what the outbox and the queue know of it."""
    with closing(sqlite3.connect(folder / "blog.sqlite3", timeout=30.0)) as database:
        rows = database.execute("SELECT job_id FROM outbox").fetchall()
    outbox = {row[0] for row in rows}
    return tuple(
        f"{job_id}: {'in the outbox; ' * (job_id in outbox)}{_queue(client, job_id)}"
        for job_id in sorted(job_ids)
    )


def _queue(client: Client, job_id: str) -> str:
    try:
        job = client.job(job_id)
    except httpx.HTTPError as error:
        return f"the queue does not know it ({error})"
    events = " > ".join(_event(event) for event in job["timeline"][-_LAST:])
    return f"{job['state']} with {job['owner'] or 'nobody'}: {events}"


def _event(event: dict[str, Any]) -> str:
    told = {k: v for k, v in event.items() if k not in ("at", "event", "traceback")}
    return f"{float(event['at']):.3f} {event['event']} {json.dumps(told)}"

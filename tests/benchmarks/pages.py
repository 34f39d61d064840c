"""Every page and call of the web app while a million jobs wait in the queue."""

from __future__ import annotations

import re
import time
from pathlib import Path
from statistics import median

import httpx

from benchmarks.measuring import timed
from benchmarks.table import Table
from demo_app.blog.database import SqliteDatabase
from demo_app.broker.message import Message
from demo_app.broker.queue import Queue
from demo_app.stack import Stack
from demo_app.stack.client import Client

JOBS = 1_000_000
_BATCH = 2_000
_PREFIX = "00000000-0000-4000-8000-"
#: A job in the middle of the queue.
JOB = f"{_PREFIX}{JOBS // 2:012d}"
_ROUNDS = 15


def run() -> list[Table]:
    """One table: milliseconds for each page and call, with so many jobs queued."""
    # nobody works, so the queue stays as long as it is; nothing on disk, to be filled quickly
    with Stack(workers=0, persistence=False) as stack, Client(stack.ready, 60.0) as client:
        _write_comments(stack.plan.folder.path / "blog.sqlite3")
        store = Queue(client.redis())
        for start in range(0, JOBS, _BATCH):
            batch = [(_message(n), None) for n in range(start, start + _BATCH)]
            store.enqueue_many(batch, by="bench")
        first = client.web.get("/api/jobs?limit=200").json()
        rows = [_row(client.web, path) for path in _paths(first["next"])]
    return [
        Table(
            f"The web app with {JOBS:,} jobs queued",
            ["page or call", "median", "slowest", "KB"],
            rows,
            f"{_ROUNDS} requests each, one after the other, in milliseconds; target: under 200",
        )
    ]


def _paths(cursor: str) -> list[str]:
    deep = httpx.QueryParams({"state": "queued", "limit": "200", "cursor": cursor})
    return [
        "/",
        "/posts/1",
        f"/posts/1?posted={_PREFIX}{JOBS - 1:012d}",
        "/jobs",
        "/jobs/queued",
        f"/jobs/queued?{httpx.QueryParams({'cursor': cursor})}",
        "/jobs/queued?q=number%3D1",
        "/jobs/queued?q=found+nowhere",
        "/jobs/outbox",
        "/jobs/running",
        "/jobs/done",
        f"/jobs/job/{JOB}",
        "/stage",
        "/stage?at=0",
        "/api/jobs/summary",
        "/api/jobs?limit=200",
        f"/api/jobs?{deep}",
        f"/api/jobs/{JOB}",
        "/healthz",
        "/metrics",
    ]


def _write_comments(path: Path) -> None:
    """The comments whose notifications are queued, past the web app, to be written quickly."""
    database = SqliteDatabase(path)
    rows = (
        (
            1 + n % 3,
            "Reader",
            "reader@example.test",
            "Well said.",
            time.time(),
            f"{_PREFIX}{n:012d}",
        )
        for n in range(JOBS)
    )
    with database.transaction() as transaction:
        transaction.executemany(
            "INSERT INTO comments (post_id, author, email, body, created_at, job_id)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            rows,
        )
    database.close()


def _row(web: httpx.Client, path: str) -> list[str]:
    answers: list[httpx.Response] = []
    taken = [took / 1000 for took in timed(lambda: answers.append(web.get(path)), _ROUNDS)]
    size = len(answers[-1].raise_for_status().content)
    shown = path.partition("cursor=")[0] + "cursor=…" if "cursor=" in path else path
    shown = re.sub(f"{_PREFIX}[0-9]+", "{id}", shown)
    return [shown, f"{median(taken):.0f}", f"{max(taken):.0f}", f"{size / 1024:.0f}"]


def _message(number: int) -> Message:
    return Message(
        id=f"{_PREFIX}{number:012d}",
        task="demo_app.tasks.notify_author",
        arguments={"comment_id": number},
        queue="mail",
        enqueued_at=time.time(),
    )

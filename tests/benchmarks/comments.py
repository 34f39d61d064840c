"""How long a reader waits for the answer to a comment, and an author for its mail."""

from __future__ import annotations

import http.client
import json
import statistics
import time
from urllib.parse import urlsplit

from benchmarks.notification import notify, payloads
from benchmarks.table import Table
from demo_app.backends.celery import CeleryBackend
from demo_app.broker.queue import Queue
from demo_app.stack import Stack
from demo_app.stack.client import Client

RATE, SECONDS = 50, 15
_COMMENT = json.dumps(
    {"author": "Reader", "email": "reader@example.test", "body": "Well said. " * 20}
)


def run() -> list[Table]:
    """One table for the reader, one for the author."""
    with Stack(tasks=("benchmarks.notification",)) as stack, Client(stack.ready) as client:
        first = _first_mails(stack, client)
        idle = post_at_rate(stack)
        backend = CeleryBackend(Queue(client.redis()))
        for _ in range(8):  # in one call they could outlast the client's patience
            backend.enqueue_many([notify.job(**payload) for payload in payloads(5_000)])
        client.wait_for(lambda now: now["running"] > 0)
        busy = post_at_rate(stack)
        left = client.summary()["queued"]
    rows = [
        [name, *(f"{statistics.quantiles(times, n=100)[at]:.2f}" for at in (49, 94, 98))]
        for name, times in (("workers idle otherwise", idle), ("workers busy all the time", busy))
    ]
    posting = Table(
        f"`POST` of a comment, {RATE} a second, its outbox committed to disk",
        ["", "p50, ms", "p95, ms", "p99, ms"],
        rows,
        f"{left:,} jobs were still waiting at the end of the second row.",
    )
    arriving = Table(
        "From the comment to its mail, on an idle stack",
        ["", "ms"],
        [["median of 30", f"{statistics.median(first):.1f}"], ["slowest", f"{max(first):.1f}"]],
    )
    return [posting, arriving]


def _first_mails(stack: Stack, client: Client) -> list[float]:
    """Milliseconds from the start of each POST to the moment at which the sink took the mail."""
    times = []
    for number in range(30):
        began = time.time()
        job = client.comment(body=f"number {number}")["job_id"]
        client.wait_for_mails(number + 1)
        client.wait_for(lambda now: now["running"] == 0)
        done = next(e for e in client.job(job)["timeline"] if e["event"] == "done")
        times.append((done["at"] - began) * 1000)
    return times


def post_at_rate(stack: Stack, seconds: int = SECONDS) -> list[float]:
    """Milliseconds of each POST, sent at even distances whatever the answers take."""
    web = urlsplit(stack.ready["web"])
    connection = http.client.HTTPConnection(str(web.hostname), web.port)
    headers = {"content-type": "application/json"}
    times = []
    begin = time.perf_counter()
    for number in range(RATE * seconds):
        time.sleep(max(0.0, begin + number / RATE - time.perf_counter()))
        began = time.perf_counter()
        connection.request("POST", "/api/posts/1/comments", _COMMENT, headers)
        answer = connection.getresponse()
        answer.read()
        times.append((time.perf_counter() - began) * 1000)
        if answer.status != 201:
            raise RuntimeError(f"a comment was answered with {answer.status}")
    return times

"""The hole in stock Celery, made to show every time, and closed here.

Stock Celery on Redis pops a message with BRPOP and records it a moment later. A worker that is
stopped while it waits in BRPOP, handed a job by Redis, and then killed, takes the job with it.
"""

from __future__ import annotations

import signal
from typing import Any

import httpx
import pytest
from support import client_of, until

from demo_app.stack import Stack
from demo_app.stack.client import Client


def _waits_in(redis: Any, command: str) -> bool:
    return any(
        client["cmd"] == command and "b" in client["flags"] for client in redis.client_list()
    )


def _outbox(stack: Stack) -> int:
    return int(httpx.get(f"{stack.ready['web']}/healthz").json()["outbox"])


def _hand_to_a_stopped_worker(stack: Stack, client: Client, command: str) -> None:
    """Stop a worker while it waits, and let Redis hand it a job.

    The wait ends by itself each second. When it has ended before the job comes, the worker goes on,
    does the job, and it is tried again.
    """
    redis, mails = client_of(stack.ready["redis"]), 0
    while True:
        until(lambda: _waits_in(redis, command), what=f"a worker that waits in {command}")
        stack.kill("worker", signal.SIGSTOP)
        client.comment()
        until(lambda: _outbox(stack) == 0, what="the outbox, handed over")
        until(lambda: not _waits_in(redis, command), what="Redis answering the stopped worker")
        if redis.llen("mail") == 0:
            return
        stack.kill("worker", signal.SIGCONT)
        mails += 1
        client.wait_for_mails(mails)


def test_stock_celery_loses_a_job_that_was_popped_and_not_yet_recorded() -> None:
    environment = {"DEMO_VISIBILITY_SECONDS": "1"}
    stock = Stack(transport="stock", restart=False, environment=environment)
    with stock as stack, Client(stack.ready) as client:
        _hand_to_a_stopped_worker(stack, client, "brpop")
        stack.kill("worker")
        redis, before = client_of(stack.ready["redis"]), client.mail_stats()["distinct"]
        assert redis.hlen("unacked") == 0, "the job is nowhere"
        stack.start("worker")
        client.comment(body="a second one, which overtakes nothing: the first is gone")
        assert client.wait_for_mails(before + 1)["distinct"] == before + 1
        until(lambda: redis.hlen("unacked") == 0, what="the second job's acknowledgement")
        assert redis.llen("mail") == 0, "nothing is left that could bring the first one back"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_claim_loses_nothing_at_the_same_spot(workers: int) -> None:
    with Stack(restart=False, workers=workers) as stack, Client(stack.ready) as client:
        _hand_to_a_stopped_worker(stack, client, "xread")
        stack.kill("worker")
        now = client.summary()
        assert now["queued"] + now["running"] == 1
        assert now["conserved"]
        stack.start("worker")
        assert client.wait_for_mails(1)["distinct"] == 1

"""Tests that a stopped worker finishes jobs within a time limit, and requeues the rest in order."""

import signal
from typing import Any

import pytest
from support import until

from demo_app.stack import Stack
from demo_app.stack.client import Client


def _options(stop_seconds: float) -> dict[str, Any]:
    environment = {
        "DEMO_STOP_SECONDS": str(stop_seconds),
        "DEMO_SMTP_SECONDS": "60",
        "DEMO_LEASE_SECONDS": "60",
    }
    return {"concurrency": 3, "restart": False, "environment": environment}


STACK = _options(600)
_HANG: dict[str, object] = {"at": "data", "do": "hang"}


def _busy(client: Client, fault: dict[str, object]) -> list[str]:
    client.set_faults(fault)
    sent = [client.comment()["job_id"] for _ in range(5)]
    client.wait_for(lambda now: now["running"] == 3 and now["queued"] == 2)
    return sent


def _ends(stack: Stack) -> None:
    until(lambda: not stack.ready["pids"]["worker"], 20.0, "the worker's end")


def _queued(client: Client) -> list[str]:
    return [job["id"] for job in client.jobs("queued")["jobs"]]


def _all_arrive(stack: Stack, client: Client) -> None:
    client.set_faults()
    stack.start("worker")
    assert client.wait_for(lambda now: now["done"] == now["enqueued"])["conserved"]
    assert client.mail_stats()["distinct"] == client.summary()["done"]


def test_a_stopped_worker_ends_its_jobs_and_claims_no_more(stack: Stack, client: Client) -> None:
    before, seen = client.summary()["done"], client.mail_stats()["duplicates"]
    sent = _busy(client, {"at": "data", "do": "wait", "seconds": 5.0})
    stack.kill("worker", signal.SIGTERM)
    _ends(stack)
    now = client.summary()
    assert (now["done"] - before, now["queued"], now["running"]) == (3, 2, 0)
    assert now["workers"] == [], "it has signed off"
    assert _queued(client) == sent[3:]
    _all_arrive(stack, client)
    assert client.mail_stats()["duplicates"] == seen


@pytest.mark.thorough
def test_a_second_sigterm_ends_the_worker_at_once_and_loses_no_job(
    stack: Stack, client: Client
) -> None:
    sent = _busy(client, _HANG)
    # the kernel may merge two pending signals into one (signal(7)), so send it again and again
    until(lambda: not stack.kill("worker", signal.SIGTERM), what="the worker's end")
    assert _queued(client) == sent
    _all_arrive(stack, client)


def test_jobs_that_are_not_done_in_time_are_requeued_in_order() -> None:
    with Stack(**_options(0.5)) as stack, Client(stack.ready) as client:
        sent = _busy(client, _HANG)
        stack.kill("worker", signal.SIGTERM)
        _ends(stack)
        assert _queued(client) == sent
        assert client.summary()["workers"] == []
        _all_arrive(stack, client)

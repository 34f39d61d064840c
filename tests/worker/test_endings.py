"""A worker is told to stop: it ends what it can, and gives back the rest in its order."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support import client_of, until

from demo_app.broker.events import State
from demo_app.broker.inspect import page
from demo_app.stack import Stack
from demo_app.stack.client import Client


@contextmanager
def _busy(
    stop_seconds: float, fault: dict[str, object]
) -> Iterator[tuple[Stack, Client, list[str]]]:
    """A worker with three threads in the middle of three mails, and two more jobs behind them."""
    environment = {
        "DEMO_STOP_SECONDS": str(stop_seconds),
        "DEMO_SMTP_SECONDS": "60",
        "DEMO_LEASE_SECONDS": "2",
    }
    given = Stack(concurrency=3, restart=False, environment=environment)
    with given as stack, Client(stack.ready) as client:
        client.set_faults(fault)
        sent = [client.comment()["job_id"] for _ in range(5)]
        client.wait_for(lambda now: now["running"] == 3 and now["queued"] == 2)
        yield stack, client, sent


_HANG: dict[str, object] = {"at": "data", "do": "hang"}


def _ends(stack: Stack, seconds: float = 20.0) -> None:
    until(lambda: not stack.ready["pids"]["worker"], seconds, "the worker's end")


def _queued(stack: Stack) -> list[str]:
    return [job.id for job in page(client_of(stack.ready["redis"]), State.QUEUED).jobs]


def _all_arrive(stack: Stack, client: Client) -> None:
    client.set_faults()
    stack.start("worker")
    client.wait_for_mails(5)
    assert client.wait_for(lambda now: now["done"] == 5)["conserved"]


def test_a_worker_that_is_told_to_stop_ends_what_it_has_and_takes_nothing_more() -> None:
    with _busy(30, {"at": "data", "do": "wait", "seconds": 1.0}) as (stack, client, sent):
        stack.kill("worker", signal.SIGTERM)
        _ends(stack)
        now = client.summary()
        assert (now["done"], now["queued"], now["running"]) == (3, 2, 0)
        assert now["workers"] == [], "it has signed off"
        assert _queued(stack) == sent[3:]
        _all_arrive(stack, client)
        assert client.mail_stats()["duplicates"] == 0


def test_what_is_not_done_in_time_goes_back_to_the_head_in_its_order() -> None:
    with _busy(0.5, _HANG) as (stack, client, sent):
        stack.kill("worker", signal.SIGTERM)
        _ends(stack)
        assert _queued(stack) == sent
        assert client.summary()["workers"] == []
        _all_arrive(stack, client)


@pytest.mark.thorough
def test_a_second_sigterm_ends_it_at_once_and_loses_nothing() -> None:
    with _busy(600, _HANG) as (stack, client, sent):
        # two signals that come too fast are one (signal(7)): as a person does, press again
        until(lambda: not stack.kill("worker", signal.SIGTERM), what="the worker's end")
        assert _queued(stack) == sent
        _all_arrive(stack, client)

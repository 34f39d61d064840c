"""The stage's "start again": what is dead and stays dead by itself comes back."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from typing import Any

import pytest
from stage.stage_page import press
from support import or_none, until

from demo_app.stack import Stack
from demo_app.stack.client import Client

TWO = 2


@pytest.fixture(scope="module")
def told() -> list[dict[str, Any]]:
    """What the supervisor said of its processes."""
    return []


@pytest.fixture(scope="module")
def stack(told: list[dict[str, Any]]) -> Iterator[Stack]:
    """As with ``up --no-restart``: a worker that dies stays dead."""
    with Stack(told.append, workers=TWO, restart=False, controls=True) as stack:
        yield stack


def alive(client: Client) -> int:
    return sum(worker["alive"] for worker in client.summary()["workers"])


def test_a_killed_worker_comes_back_and_is_reported(stack, told, client, holder) -> None:
    before = set(stack.ready["pids"]["worker"])
    press(holder, "kill-worker")
    until(lambda: len(stack.ready["pids"]["worker"]) == TWO - 1, what="the death")
    press(holder, "start-again")
    until(lambda: alive(client) == TWO, what="the second worker")
    (new,) = set(stack.ready["pids"]["worker"]) - before
    news = {"event": "started", "role": "worker", "pid": new}
    until(lambda: news in told, what="the news")


def test_a_dead_redis_and_a_dead_mail_sink_come_back_too(stack, client, holder) -> None:
    before = client.mail_stats()["distinct"]
    for role in ("redis", "smtp", "worker"):
        stack.kill(role, restart=False)
    client.comment()
    press(holder, "start-again")
    # the sink is dead, or only just started
    until(lambda: (or_none(client.mail_stats) or {}).get("distinct") == before + 1, what="the mail")


def test_the_way_to_the_supervisor_is_open_to_its_own_user_alone(stack: Stack) -> None:
    mode = stack.plan.folder.control.stat().st_mode
    assert stat.S_ISFIFO(mode)
    assert stat.S_IMODE(mode) == 0o600

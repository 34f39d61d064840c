"""The races around a lease: who lost a job begins no side effect, and no job moves twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import client_of, until

from demo_app.failpoints import Step, enable
from demo_app.stack import Stack
from demo_app.stack.client import Client

Running = tuple[Stack, Client]
_QUICK = {"DEMO_DIE_AT": "armed", "DEMO_LEASE_SECONDS": "1.5", "DEMO_BEAT_SECONDS": "0.2"}


@pytest.fixture
def running() -> Iterator[Running]:
    """Two workers, whose leases are short."""
    given = Stack(workers=2, restart=False, environment=_QUICK)
    with given as stack, Client(stack.ready) as client:
        yield stack, client


def _stopped_at(stack: Stack, step: Step, seconds: float = 30.0) -> int:
    """Wait until a process has taken what was armed for the step; returns its pid."""
    folder = stack.plan.folder.path / "steps"
    [taken] = until(lambda: list(folder.glob(f"{step}.[0-9]*")), seconds, f"somebody at {step}")
    taken.unlink()
    return int(taken.suffix[1:])


def _events(client: Client, job_id: str) -> list[str]:
    return [event["event"] for event in client.job(job_id)["timeline"]]


def test_a_paused_worker_that_wakes_up_begins_no_side_effect(running: Running) -> None:
    stack, client = running
    enable(Path(stack.ready["dir"]), Step.MAIL_BEGUN, signal.SIGSTOP)
    job = client.comment()["job_id"]
    sleeper = _stopped_at(stack, Step.MAIL_BEGUN)
    client.wait_for_mails(1)  # another worker has rescued the job
    os.kill(sleeper, signal.SIGCONT)
    until(lambda: "late" in _events(client, job), what="the late acknowledgement")
    assert client.mail_stats()["accepted"] == 1
    now = client.summary()
    assert (now["done"], now["late"], now["conserved"]) == (1, 1, True)


@pytest.mark.thorough
def test_a_worker_that_slept_through_its_lease_goes_on_under_a_new_name(running: Running) -> None:
    (stack, client), redis = running, client_of(running[0].ready["redis"])
    [pid, _] = stack.ready["pids"]["worker"]
    names = {worker["id"] for worker in client.summary()["workers"]}
    until(lambda: redis.hget("server", "since"), what="the first look at the others")
    os.kill(pid, signal.SIGSTOP)
    client.wait_for(lambda now: len(now["workers"]) == 1)
    os.kill(pid, signal.SIGCONT)
    now = client.wait_for(lambda now: len(now["workers"]) == 2)
    new = {worker["id"] for worker in now["workers"]} - names
    assert [name.rpartition(".")[2] for name in new] == ["2"], "its second incarnation"
    for _ in range(8):
        client.comment()
    client.wait_for_mails(8)

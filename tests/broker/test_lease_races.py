"""The races around a lease: who lost a job begins no side effect, and no job moves twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support import client_of, most_thorough, until

from demo_app.failpoints import Step, enable
from demo_app.stack import Stack
from demo_app.stack.client import Client

_QUICK = {"DEMO_DIE_AT": "armed", "DEMO_LEASE_SECONDS": "1.5", "DEMO_BEAT_SECONDS": "0.2"}


@contextmanager
def _running(workers: int, **environment: str) -> Iterator[tuple[Stack, Client, Any]]:
    given = Stack(workers=workers, restart=False, environment={**_QUICK, **environment})
    with given as stack, Client(stack.ready) as client:
        yield stack, client, client_of(stack.ready["redis"])


def _stopped_at(stack: Stack, step: Step, seconds: float = 30.0) -> int:
    """Wait until a process has taken what was armed for the step; returns its pid."""
    folder = stack.plan.folder.path / "steps"
    [taken] = until(lambda: list(folder.glob(f"{step}.[0-9]*")), seconds, f"somebody at {step}")
    taken.unlink()
    return int(taken.suffix[1:])


def _arm(stack: Stack, step: Step, number: signal.Signals) -> None:
    enable(Path(stack.ready["dir"]), step, number)


def _events(client: Client, job_id: str) -> list[str]:
    return [event["event"] for event in client.job(job_id)["timeline"]]


@pytest.mark.parametrize(
    ("without", "mails_accepted"), most_thorough([("", 1), ("lease", 2)], ("", 1))
)
def test_a_paused_worker_that_wakes_up_begins_no_side_effect(
    without: str, mails_accepted: int
) -> None:
    with _running(2, DEMO_WITHOUT=without) as (stack, client, _):
        _arm(stack, Step.MAIL_BEGUN, signal.SIGSTOP)
        job = client.comment()["job_id"]
        sleeper = _stopped_at(stack, Step.MAIL_BEGUN)
        client.wait_for_mails(1)  # another worker has rescued the job
        os.kill(sleeper, signal.SIGCONT)
        until(lambda: "late" in _events(client, job), what="the late acknowledgement")
        assert client.mail_stats()["accepted"] == mails_accepted
        assert client.mail_stats()["distinct"] == 1
        now = client.summary()
        assert (now["done"], now["late"], now["conserved"]) == (1, 1, True)


def test_a_worker_that_slept_through_its_lease_goes_on_under_a_new_name() -> None:
    with _running(2) as (stack, client, redis):
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


def test_a_rescuer_that_is_killed_is_rescued_from_itself() -> None:
    with _running(3) as (stack, client, _):
        client.set_faults({"at": "data", "do": "hang"})
        jobs = [client.comment()["job_id"] for _ in range(4)]
        client.wait_for(lambda now: now["running"] == 4)
        _arm(stack, Step.RESCUE_MOVED, signal.SIGKILL)
        [victim, *_] = [w["pid"] for w in client.summary()["workers"] if w["running"]]
        stack.kill("worker", pid=victim)
        _stopped_at(stack, Step.RESCUE_MOVED)
        client.set_faults()
        client.wait_for_mails(4)
        # one of three is left, and it was enough
        now = client.wait_for(lambda now: now["done"] == 4 and len(now["workers"]) == 1)
        assert now["conserved"]
        assert all(_events(client, job)[-1] == "done" for job in jobs)


@pytest.mark.thorough
def test_with_no_worker_left_the_next_one_rescues_at_its_start() -> None:
    # twenty seconds between two beats: only what happens at the start can be in time
    with _running(1, DEMO_LEASE_SECONDS="8", DEMO_BEAT_SECONDS="20") as (stack, client, redis):
        _arm(stack, Step.STARTED, signal.SIGKILL)
        job = client.comment()["job_id"]
        _stopped_at(stack, Step.STARTED)
        until(lambda: not redis.keys("worker:*"), what="the end of its lease")
        stack.start("worker")
        assert client.wait_for_mails(1, seconds=15.0)["accepted"] == 1
        client.wait_for(lambda now: now["done"] == 1)
        assert _events(client, job) == ["enqueued", "claimed", "rescued", "claimed", "done"]

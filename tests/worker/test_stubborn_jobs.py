"""Jobs that never end are ended and tried again; a message that says no job is dead at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery_suite.hostile import honest
from support import client_of, until

from demo_app.backends.celery import CeleryBackend
from demo_app.broker.inspect import get_job
from demo_app.broker.queue import Kind, Queue
from demo_app.broker.view import JobView
from demo_app.stack import Stack

from worker.stubborn_jobs import brief, hang, loop  # isort: skip


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    environment = {
        "PYTHONPATH": str(Path(__file__).parent.parent),
        "DEMO_JOB_SECONDS": "1",
        "DEMO_STOP_SECONDS": "5",
        "DEMO_LEASE_SECONDS": "1",
        "DEMO_BEAT_SECONDS": "0.2",
    }
    with Stack(tasks=("worker.stubborn_jobs",), environment=environment) as running:
        yield running


@pytest.fixture
def backend(stack: Stack) -> CeleryBackend:
    return CeleryBackend(Queue(client_of(stack.ready["redis"])))


def _view(stack: Stack, job_id: str) -> JobView:
    view = get_job(client_of(stack.ready["redis"]), job_id)
    assert view is not None
    return view


def _events(stack: Stack, job_id: str) -> list[str]:
    return [event.event for event in _view(stack, job_id).timeline]


def _ends(stack: Stack, job_id: str, state: str) -> None:
    until(lambda: _view(stack, job_id).state == state, 40.0, f"{job_id} becoming {state}")


def test_a_job_that_loops_for_ever_is_ended_and_tried_again(
    stack: Stack, backend: CeleryBackend, tmp_path: Path
) -> None:
    [pid] = stack.ready["pids"]["worker"]
    job = backend.enqueue(loop.job(str(tmp_path / "diary")))
    _ends(stack, job.id, "done")
    assert (tmp_path / "diary").read_text().split() == [str(pid)] * 2
    assert _events(stack, job.id) == [
        "enqueued",
        "claimed",
        "retrying",
        "enqueued",
        "claimed",
        "done",
    ]
    failed = _view(stack, job.id).timeline[2]
    assert failed.error_class == "demo_app.jobs.perform.JobTimeout"
    assert "it ran for more than 1 s" in failed.traceback


def test_a_job_that_hangs_in_c_code_makes_its_worker_take_its_own_place(
    stack: Stack, backend: CeleryBackend, tmp_path: Path
) -> None:
    pids = stack.ready["pids"]["worker"]
    job = backend.enqueue(hang.job(str(tmp_path / "diary")))
    _ends(stack, job.id, "done")
    assert _events(stack, job.id).count("retrying") == 1
    assert "rescued" not in _events(stack, job.id), "it was given back, not left to be found"
    assert stack.ready["pids"]["worker"] == pids, "the same process, begun anew"
    births = {event.by for event in _view(stack, job.id).timeline if event.event == "claimed"}
    assert len(births) == 2
    # nothing is held by anyone, and the next job runs as ever
    after = backend.enqueue(brief.job(str(tmp_path / "after")))
    _ends(stack, after.id, "done")


@pytest.mark.parametrize(
    ("place", "name", "value", "reason"),
    [
        ("headers", "retries", "many", "ValueError: invalid literal for int()"),
        ("headers", "enqueued_at", "noon", "ValueError: could not convert string to float"),
        ("properties", "delivery_info", {"lane": "mail"}, "KeyError: 'routing_key'"),
        ("body", None, "[7, {}, {}]", "TypeError: "),
    ],
)
def test_a_message_that_no_job_can_be_read_from_is_dead_and_says_why(
    backend: CeleryBackend, stack: Stack, place: str, name: str | None, value: object, reason: str
) -> None:
    message = honest()
    message["headers"]["task"] = brief.name
    if name:
        message[place][name] = value
    else:
        message[place] = value
    job_id = message["headers"]["id"]
    backend._store.publish(json.dumps(message), job_id, "mail", kind=Kind.JOB)
    _ends(stack, job_id, "dead")
    assert _view(stack, job_id).timeline[-1].traceback.startswith(reason)

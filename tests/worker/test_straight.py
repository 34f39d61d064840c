"""The short way from a job to the next one: only while nobody asks for what Celery does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery_suite.hostile import honest
from support import client_of, until

from demo_app.backends.celery import CeleryBackend
from demo_app.broker.inspect import get_job
from demo_app.broker.queue import Kind, Queue
from demo_app.broker.view import JobView
from demo_app.stack import Stack
from demo_app.worker.app import _address

from worker.stubborn_jobs import brief, leave, tell_way  # isort: skip


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """One worker of one thread: it runs one job after the other."""
    environment = {"PYTHONPATH": str(Path(__file__).parent.parent)}
    tasks = ("worker.stubborn_jobs",)
    with Stack(concurrency=1, tasks=tasks, environment=environment) as running:
        yield running


@pytest.fixture
def backend(stack: Stack) -> CeleryBackend:
    return CeleryBackend(Queue(client_of(stack.ready["redis"])))


@pytest.fixture
def celery(stack: Stack) -> Iterator[Celery]:
    """The app as who looks on has it."""
    with Celery("demo_app", broker=f"claims+{_address(stack.ready['redis'])[0]}") as app:
        yield app


@contextmanager
def _behind_each_other(backend: CeleryBackend) -> Iterator[None]:
    """What is put in within this waits until all of it is there."""
    backend._store.pause_queue("mail", True)
    yield
    backend._store.pause_queue("mail", False)


def _put(backend: CeleryBackend, task: Any, **arguments: Any) -> str:
    return backend.enqueue(task.job(**arguments)).id


def _ended(backend: CeleryBackend, *jobs: str) -> list[JobView]:
    def views() -> list[JobView]:
        found = [get_job(backend._store.client, job) for job in jobs]
        return [job for job in found if job and job.state in ("done", "dead", "discarded")]

    until(lambda: len(views()) == len(jobs), what="their end")
    return views()


def _ways(backend: CeleryBackend, *jobs: str) -> list[object]:
    return [job.return_value for job in _ended(backend, *jobs)]


def test_jobs_that_come_with_the_end_of_another_go_straight(backend: CeleryBackend) -> None:
    with _behind_each_other(backend):
        jobs = [_put(backend, tell_way) for _ in range(4)]
    assert _ways(backend, *jobs) == ["Celery", "straight", "straight", "straight"]


def test_once_a_job_was_revoked_each_goes_the_way_that_looks_for_it(
    stack: Stack, backend: CeleryBackend, celery: Celery
) -> None:
    celery.control.revoke("some job", reply=True, timeout=10, limit=1)
    with _behind_each_other(backend):
        jobs = [_put(backend, tell_way) for _ in range(3)]
    assert _ways(backend, *jobs) == ["Celery"] * 3
    stack.kill("worker")  # its next one has heard of no revoke


def test_a_message_that_asks_for_more_goes_celerys_way(backend: CeleryBackend) -> None:
    asking = honest()
    asking["headers"] |= {"task": tell_way.name, "expires": "2999-01-01T00:00:00+00:00"}
    asking["body"] = "[[], {}, {}]"
    with _behind_each_other(backend):
        jobs = [_put(backend, tell_way) for _ in range(2)]
        backend._store.publish(json.dumps(asking), asking["headers"]["id"], "mail", kind=Kind.JOB)
    assert _ways(backend, *jobs, asking["headers"]["id"]) == ["Celery", "straight", "Celery"]


def test_celery_shows_what_goes_straight_among_the_active(
    backend: CeleryBackend, celery: Celery, tmp_path: Path
) -> None:
    gate = tmp_path / "open"
    with _behind_each_other(backend):
        first = _put(backend, tell_way)
        second = _put(backend, tell_way, gate=str(gate))

    def active() -> list[str]:
        told = celery.control.inspect(timeout=10, limit=1).active() or {}
        return [request["id"] for requests in told.values() for request in requests]

    _ended(backend, first)
    assert active() == [second]
    gate.touch()
    assert _ways(backend, second) == ["straight"]
    assert active() == []


def test_what_is_wrong_with_one_ends_none_of_those_behind_it(
    backend: CeleryBackend, tmp_path: Path
) -> None:
    broken = honest()
    broken["headers"] |= {"task": brief.name, "retries": "many"}
    broken_id = broken["headers"]["id"]
    with _behind_each_other(backend):
        first = _put(backend, tell_way)
        left = _put(backend, leave, diary=str(tmp_path / "diary"))
        backend._store.publish(json.dumps(broken), broken_id, "mail", kind=Kind.JOB)
        last = _put(backend, tell_way)
    assert _ways(backend, first, last) == ["Celery", "straight"]
    [left_view, broken_view] = _ended(backend, left, broken_id)
    assert left_view.timeline[-1].error_class == "builtins.SystemExit"
    assert left_view.attempts == 2
    assert broken_view.state == "dead"
    assert broken_view.timeline[-1].traceback.startswith("ValueError: ")

"""A job may take its time: nobody else gets it while its worker lives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support import client_of, until

from demo_app.backends.celery import CeleryBackend
from demo_app.broker.inspect import get_job
from demo_app.broker.queue import Queue
from demo_app.stack import Stack
from demo_app.stack.client import Client

from worker.long_jobs import nap, stumble  # isort: skip


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(workers=2, tasks=("worker.long_jobs",), environment=_path()) as running:
        yield running


def _path() -> dict[str, str]:
    return {"PYTHONPATH": str(Path(__file__).parent.parent)}


@pytest.fixture
def backend(stack: Stack) -> CeleryBackend:
    return CeleryBackend(Queue(client_of(stack.ready["redis"])))


def test_a_job_of_twelve_seconds_on_a_healthy_worker_runs_once(
    stack: Stack, backend: CeleryBackend, tmp_path: Path
) -> None:
    diary = tmp_path / "diary"
    result = backend.enqueue(nap.job(12.0, str(diary)))
    until(lambda: diary.exists() and "ended" in diary.read_text(), 40.0, "the end of the nap")
    with Client(stack.ready) as client:
        client.wait_for(lambda now: now["running"] == 0)
    assert diary.read_text().split() == ["began", "ended"]
    result.refresh()
    assert (result.state, result.attempts) == ("done", 1)


def test_a_failing_job_is_tried_again_and_then_kept_for_a_person(
    backend: CeleryBackend, tmp_path: Path
) -> None:
    diary = tmp_path / "diary"
    result = backend.enqueue(stumble.job(str(diary)))
    until(lambda: _state(backend, result.id) == "dead", what="the last try")
    assert diary.read_text().split() == ["tried"] * 3
    result.refresh()
    assert result.attempts == 3
    assert [error.exception_class_path for error in result.errors] == ["builtins.ValueError"] * 3
    assert "it stumbled" in result.errors[-1].traceback


def test_a_delayed_job_waits_in_redis_and_not_in_a_worker(
    backend: CeleryBackend, tmp_path: Path
) -> None:
    diary = tmp_path / "diary"
    due = datetime.now(UTC) + timedelta(seconds=1.5)
    job = nap.using(run_after=due).job(0.0, str(diary))
    backend.enqueue(job)
    assert _state(backend, job.id) == "scheduled"
    until(lambda: _state(backend, job.id) == "done", what="the delayed job")
    view = get_job(client_of_backend(backend), job.id)
    assert view is not None
    claimed = next(event for event in view.timeline if event.event == "claimed")
    assert claimed.at >= due.timestamp()


def client_of_backend(backend: CeleryBackend) -> object:
    return backend._store.client


def _state(backend: CeleryBackend, job_id: str) -> str:
    found = backend.find(job_id)
    return found.state if found else ""

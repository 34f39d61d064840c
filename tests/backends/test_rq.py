"""RQ's worker: what it had popped and not begun when it was killed is found missing; and it calls
no function that somebody else names."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import until

from demo_app.backends.rq import RqBackend
from demo_app.jobs import task
from demo_app.settings import Settings


@task
def nothing() -> None:
    """In place of any job."""


@pytest.fixture
def backend(redis_url: str) -> Iterator[RqBackend]:
    backend = RqBackend(Settings(redis_url=redis_url, lease_seconds=0.3))
    backend.connection.flushdb()
    yield backend
    backend.close()


def test_a_job_that_was_popped_by_a_worker_that_is_killed_is_unknown_and_may_come_again(
    backend: RqBackend,
) -> None:
    taken, waits = nothing.job(), nothing.job()
    backend.enqueue(taken)
    backend.enqueue(waits)
    queue = backend.queues["default"]
    # RQ's pop, after which a worker that is killed does nothing more
    assert backend.connection.blpop([queue.key], 1) == (queue.key.encode(), taken.id.encode())
    states = backend.states([taken.id, waits.id])
    assert states == {taken.id: "queued", waits.id: "queued"}  # its worker may yet begin
    states = until(
        lambda: (now := backend.states([taken.id, waits.id])) != states and now,
        what="the popped job to be missed",
    )
    assert states == {waits.id: "queued"}
    backend.enqueue(taken)
    assert queue.get_job_ids() == [waits.id, taken.id]


def test_a_job_of_a_queue_that_is_served_no_longer_has_its_state(
    backend: RqBackend, redis_url: str
) -> None:
    job = nothing.job()
    backend.enqueue(job)
    other = RqBackend(Settings(redis_url=redis_url, queues=("mail",)))
    assert other.states([job.id]) == {job.id: "queued"}
    other.close()


def test_a_function_that_a_stranger_names_is_not_called(
    backend: RqBackend, redis_url: str, tmp_path: Path
) -> None:
    made, queue = tmp_path / "made", backend.queues["default"]
    job = queue.enqueue("os.mkdir", str(made))
    environment = {**os.environ, "DEMO_REDIS_URL": redis_url, "DEMO_CONCURRENCY": "1"}
    with subprocess.Popen(backend.worker_command(), env=environment) as worker:
        status = until(
            lambda: found if (found := job.get_status()) in ("failed", "finished") else None,
            what="the end of the job",
        )
        worker.terminate()
    assert (status, made.exists()) == ("failed", False)

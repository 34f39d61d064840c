"""Tests of the Huey backend: a killed consumer loses its job, and results can be read."""

import os
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from demo_app.backends.huey import HueyBackend
from demo_app.jobs import task
from demo_app.settings import Settings


@task
def number() -> int:
    return 42


@task
def half_a_character() -> None:
    raise ValueError("no file caf\udce9")


def killed_after(take: str, folder: Path) -> None:
    """Kill a process that has taken jobs from its queue by calling Huey's method `take`."""
    child = os.fork()
    if child == 0:
        try:
            getattr(HueyBackend(Settings(dir=folder)).huey, take)()
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.parametrize(
    ("take", "run_after", "state"),
    [
        ("dequeue", None, "queued"),
        ("read_schedule", datetime.now(UTC) - timedelta(seconds=1), "scheduled"),
    ],
)
def test_the_jobs_of_a_killed_consumer_are_in_no_table(
    tmp_path: Path, take: str, run_after: datetime | None, state: str
) -> None:
    backend = HueyBackend(Settings(dir=tmp_path))
    storage = backend.huey.storage
    job = replace(number.job(), run_after=run_after)
    backend.enqueue(job)
    assert storage.queue_size() + storage.schedule_size() == 1
    killed_after(take, tmp_path)
    assert backend.states([job.id]) == {job.id: state}
    backend.enqueue(job)  # enqueuing a known id has no effect
    assert storage.queue_size() + storage.schedule_size() == 0
    backend.close()


def test_a_job_whose_error_has_half_a_character_is_tried_again(tmp_path: Path) -> None:
    backend = HueyBackend(Settings(dir=tmp_path))
    job = half_a_character.job()
    backend.enqueue(job)
    backend.huey.execute(backend.huey.dequeue())
    assert backend.states([job.id]) == {job.id: "retrying"}
    backend.close()


def test_a_job_s_return_value_is_stored(tmp_path: Path) -> None:
    backend = HueyBackend(Settings(dir=tmp_path))
    job = number.job()
    backend.enqueue(job)
    backend.huey.execute(backend.huey.dequeue())
    found = backend.find(job.id)
    assert (found.state, found.attempts, found.return_value) == ("done", 1, 42)
    backend.close()

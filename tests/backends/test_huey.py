"""Tests of the Huey backend: a killed consumer loses its job, and results can be read."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from demo_app.backends.huey import HueyBackend
from demo_app.jobs import task
from demo_app.settings import Settings

#: Code that `PROGRAM` runs before it kills its own process: take a queued job, or the due jobs.
TAKE = "backend.huey.dequeue()"
TAKE_WHAT_IS_DUE = "backend.huey.read_schedule()"
PROGRAM = """
import os, pathlib, signal
from demo_app.backends.huey import HueyBackend
from demo_app.settings import Settings
backend = HueyBackend(Settings(dir=pathlib.Path({folder!r})))
{steps}
os.kill(os.getpid(), signal.SIGKILL)
"""


@task
def nothing() -> None:
    """Do nothing: a stand-in for any job."""


@task
def number() -> int:
    return 42


def killed_after(steps: str, folder: Path) -> None:
    program = PROGRAM.format(folder=str(folder), steps=steps)
    ended = subprocess.run([sys.executable, "-c", program], check=False)
    assert ended.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("steps", "run_after", "state"),
    [
        (TAKE, None, "queued"),
        (TAKE_WHAT_IS_DUE, datetime.now(UTC) - timedelta(seconds=1), "scheduled"),
    ],
    ids=["taken", "due"],
)
def test_a_job_that_a_killed_consumer_had_taken_is_in_no_table(
    tmp_path: Path, steps: str, run_after: datetime | None, state: str
) -> None:
    backend = HueyBackend(Settings(dir=tmp_path))
    storage = backend.huey.storage
    job = replace(nothing.job(), run_after=run_after)
    backend.enqueue(job)
    assert storage.queue_size() + storage.schedule_size() == 1
    killed_after(steps, tmp_path)
    assert backend.states([job.id]) == {job.id: state}
    backend.enqueue(job)  # enqueuing a known id has no effect
    assert storage.queue_size() + storage.schedule_size() == 0
    backend.close()


def test_what_a_job_returned_is_found(tmp_path: Path) -> None:
    backend = HueyBackend(Settings(dir=tmp_path))
    job = number.job()
    backend.enqueue(job)
    backend.huey.execute(backend.huey.dequeue())
    found = backend.find(job.id)
    assert found is not None
    assert (found.state, found.attempts, found.return_value) == ("done", 1, 42)
    backend.close()

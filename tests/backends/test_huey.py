"""What a consumer that is killed had in its hands is found in huey's file, at whatever moment."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support import until

from demo_app.backends.huey import HueyBackend
from demo_app.jobs import task
from demo_app.settings import Settings

#: A consumer's steps, in a process of its own, which is then killed.
TAKE = "job = backend.huey.dequeue()"
BEGIN = f"{TAKE}; backend._begin(job.id)"
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
    """In place of any job."""


def killed_after(steps: str, folder: Path) -> None:
    """Do a consumer's steps in a process that dies after them."""
    program = PROGRAM.format(folder=str(folder), steps=steps)
    ended = subprocess.run([sys.executable, "-c", program], check=False)
    assert ended.returncode == -signal.SIGKILL


@pytest.fixture
def backend(tmp_path: Path) -> HueyBackend:
    return HueyBackend(Settings(dir=tmp_path, max_rescues=2, lease_seconds=0.3))


def waiting(backend: HueyBackend) -> list[str]:
    return list(backend._waiting_ids())


@pytest.mark.parametrize(
    ("steps", "run_after"),
    [(TAKE, None), (BEGIN, None), (TAKE_WHAT_IS_DUE, datetime.now(UTC) - timedelta(seconds=1))],
    ids=["taken", "begun", "due"],
)
def test_a_job_that_was_taken_by_a_consumer_that_is_killed_waits_again(
    backend: HueyBackend, tmp_path: Path, steps: str, run_after: datetime | None
) -> None:
    job = replace(nothing.job(), run_after=run_after)
    backend.enqueue(job)
    killed_after(steps, tmp_path)
    assert waiting(backend) == []

    def waits_again() -> bool:
        backend.states([job.id])
        return waiting(backend) == [job.id]

    until(waits_again, what="the job to be missed")
    assert backend.states([job.id]) == {job.id: "queued"}


def test_a_row_that_is_no_job_keeps_no_other_from_being_taken(backend: HueyBackend) -> None:
    backend.huey.storage.enqueue(b"nonsense", priority=10)
    job = nothing.job()
    backend.enqueue(job)
    assert backend.states([job.id]) == {job.id: "queued"}
    assert waiting(backend) == [job.id]
    with pytest.raises(ValueError, match="Expecting value"):
        backend.huey.dequeue()
    assert backend.huey.dequeue().id == job.id


def test_a_job_that_a_living_consumer_has_taken_stays_with_it(backend: HueyBackend) -> None:
    job = nothing.job()
    backend.enqueue(job)
    backend.huey.dequeue()
    backend._begin(job.id)
    assert backend.states([job.id]) == {job.id: "running"}
    assert waiting(backend) == []


def test_a_job_that_ends_every_worker_is_given_up(backend: HueyBackend, tmp_path: Path) -> None:
    job = nothing.job()
    backend.enqueue(job)
    seen = []
    for _ in range(3):
        killed_after(BEGIN, tmp_path)
        seen.append(backend.states([job.id])[job.id])
    assert seen == ["queued", "queued", "dead"]

"""Tests of lesson 07's backend, which keeps each job as a file."""

import json
from pathlib import Path

import pytest
from support import until

from demo_app.jobs import Job
from demo_app.jobs.outcome import Retry
from demo_app.jobs.result import TaskError
from lab import folder_backend
from lab.folder_backend import FolderBackend


def test_a_job_that_waits_for_its_next_try_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it survives the process, and the worker of the next process finds it."""
    tries = []

    def fail(job: Job) -> Retry:
        tries.append(job)
        return Retry(3600.0, TaskError("builtins.OSError", "no connection"))

    monkeypatch.setattr(folder_backend, "perform", fail)
    backend = FolderBackend(tmp_path)
    backend._enqueue([job := Job("a.task", {})])
    backend.start()
    (file,) = until(lambda: tries and [*(tmp_path / "waiting").iterdir()], 5.0, "the job's file")
    stored = Job(**json.loads(file.read_text()))
    assert (stored.id, stored.attempts) == (job.id, 1)
    until(lambda: not [*(tmp_path / "run").iterdir()], 5.0, "the end of the first try")
    assert len(tries) == 1

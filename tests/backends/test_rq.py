"""Tests that RQ's worker calls only the functions of this project."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import until

from demo_app.backends.rq import RqBackend
from demo_app.settings import Settings


@pytest.fixture
def backend(redis_url: str) -> Iterator[RqBackend]:
    backend = RqBackend(Settings(redis_url=redis_url))
    backend.connection.flushdb()
    yield backend
    backend.close()


def test_a_foreign_function_never_runs(backend: RqBackend, redis_url: str, tmp_path: Path) -> None:
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

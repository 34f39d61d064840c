"""Tests that RQ's worker calls only the functions of this project."""

import os
import subprocess
from contextlib import closing
from pathlib import Path

from support import until

from demo_app.backends.rq import RqBackend
from demo_app.settings import Settings


def test_a_foreign_function_never_runs(redis_url: str, tmp_path: Path) -> None:
    made = tmp_path / "made"
    environment = {**os.environ, "DEMO_REDIS_URL": redis_url, "DEMO_CONCURRENCY": "1"}
    with closing(RqBackend(Settings(redis_url=redis_url))) as backend:
        job = backend.queues["default"].enqueue("os.mkdir", str(made))
        with subprocess.Popen(backend.worker_command(), env=environment) as worker:
            until(lambda: job.get_status() in ("failed", "finished"), what="the end of the job")
            worker.terminate()
        assert (job.get_status(), made.exists()) == ("failed", False)

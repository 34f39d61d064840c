"""A small backend: each job is a file, and the worker thread claims a job by renaming its file."""

import json
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

from demo_app.jobs import Job
from demo_app.jobs.backend import Backend
from demo_app.jobs.capabilities import Capabilities, Death
from demo_app.jobs.outcome import Retry
from demo_app.jobs.perform import perform
from demo_app.settings import Settings


class FolderBackend(Backend):
    """A backend that keeps each job as a file. One thread of the process runs the jobs."""

    name = "folder"
    capabilities = Capabilities(fifo=True, survives=frozenset({Death.ENQUEUER}))

    def __init__(self, folder: Path) -> None:
        self._new, self._waiting, self._running = folder / "new", folder / "waiting", folder / "run"
        for part in (self._new, self._waiting, self._running):
            part.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Requeue the jobs of an earlier process that died, and start the worker thread."""
        for left in self._running.iterdir():
            left.rename(self._waiting / left.name)
        threading.Thread(target=self._work, daemon=True).start()

    def _enqueue(self, jobs: list[Job], delay: float = 0.0) -> None:
        """Write each job into a file. The file's name begins with the time at which the job is due.

        The job is in the queue once the file is renamed.
        """
        for job in jobs:
            path = self._new / f"{time.time_ns() + int(delay * 1e9)}-{job.id}"
            path.write_text(json.dumps(asdict(job)))
            path.rename(self._waiting / path.name)

    def _work(self) -> None:
        while True:
            for path in sorted(self._waiting.iterdir()):
                if int(path.name.partition("-")[0]) > time.time_ns():
                    break
                claimed = path.rename(self._running / path.name)
                job = Job(**json.loads(claimed.read_text()))
                outcome = perform(job)
                if isinstance(outcome, Retry):
                    self._enqueue([replace(job, attempts=job.attempts + 1)], outcome.after)
                claimed.unlink()  # delete the file last: a crash before this line repeats the job
            time.sleep(0.02)


def make(settings: Settings) -> FolderBackend:
    return FolderBackend(settings.dir / "jobs")

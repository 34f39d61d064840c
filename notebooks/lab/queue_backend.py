"""A backend of the blog that uses the learner's queue class from the challenges.

The file of the class needs one more line, ``make = backend_of(MyQueue)``. The queue's `put`
receives each job as JSON. ``python -m lab.queue_backend`` runs a worker with the stack's settings.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import chdir
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import redis

from demo_app.broker.connection import client_url
from demo_app.jobs.backend import Backend, backend_named
from demo_app.jobs.capabilities import Capabilities, Death
from demo_app.jobs.job import Job
from demo_app.jobs.outcome import Retry
from demo_app.jobs.perform import perform
from demo_app.jobs.task import load_tasks
from demo_app.settings import Settings, settings


class QueueBackend(Backend):
    """A backend that enqueues jobs in a learner's queue, and runs the jobs that a worker claims.

    Args:
        queue_class: a class like those that the judge tests. Its methods run in the same current
            folder in all processes, so that the class may store an outbox there.
    """

    name = "my queue"
    #: The promises that the twelve levels of the judge test.
    capabilities = Capabilities(fifo=True, survives=frozenset(Death))

    def __init__(self, queue_class: type, chosen: Settings) -> None:
        self._class, self._url = queue_class, client_url(chosen.redis_url)
        self._folder = chosen.dir.resolve() / "queue"
        self._lock = threading.Lock()  # chdir changes the folder of all threads

    @cached_property
    def queue(self) -> Any:
        """The learner's queue. At its first use, `_folder` must be the current directory."""
        return self._class(redis.Redis.from_url(self._url, decode_responses=True))

    def _enqueue(self, jobs: list[Job]) -> None:
        self._folder.mkdir(exist_ok=True)
        with self._lock, chdir(self._folder):
            for job in jobs:
                self.queue.put(json.dumps(job.as_record()))

    def worker_command(self) -> list[str]:
        return [sys.executable, "-m", "lab.queue_backend"]

    def worker_ready(self, pid: int) -> bool:
        return self._ready(pid).exists()

    def _ready(self, pid: int) -> Path:
        return self._folder / f"worker-{pid}.ready"

    def work(self) -> None:
        """Claim and run jobs until SIGTERM, as the judge's workers do.

        Threads call the queue's `beat` and `rescue` regularly if the class has them.
        """
        self._folder.mkdir(exist_ok=True)
        os.chdir(self._folder)
        worker = f"w{os.getpid()}"
        for method, seconds in (("beat", 0.5), ("rescue", 1.0)):
            if hasattr(self.queue, method):
                given = (method, worker, seconds)
                threading.Thread(target=self._repeat, args=given, daemon=True).start()
        stopping = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stopping.set())
        self._ready(os.getpid()).touch()
        while not stopping.is_set():
            if text := self._call("claim", worker):
                self._run(Job.from_record(json.loads(text)))
                self._call("ack", worker, text)
            else:
                time.sleep(0.02)  # `claim` may return at once

    def _run(self, job: Job) -> None:
        outcome = perform(job)
        if isinstance(outcome, Retry):
            # keep the claim during the wait, so that the job is not lost if the worker dies
            time.sleep(outcome.after)
            self.queue.put(json.dumps(replace(job, attempts=job.attempts + 1).as_record()))

    def _repeat(self, method: str, worker: str, seconds: float) -> None:
        while True:
            self._call(method, worker)
            time.sleep(seconds)

    def _call(self, method: str, *arguments: str) -> Any:
        """Return the result of a queue's method. If it raises, log the error and return None."""
        try:
            return getattr(self.queue, method)(*arguments)
        except Exception as error:
            print(f"{method} raised {error!r}", file=sys.stderr)
            time.sleep(0.1)  # do not repeat an error in a busy loop


def backend_of(queue_class: type) -> Callable[[Settings], QueueBackend]:
    return lambda chosen: QueueBackend(queue_class, chosen)


def main() -> None:
    load_tasks(settings().task_modules)
    backend: Any = backend_named()
    backend.work()


if __name__ == "__main__":
    main()

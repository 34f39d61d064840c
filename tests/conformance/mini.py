"""A backend that somebody writes in half an hour: one thread and a queue."""

from __future__ import annotations

import threading
from dataclasses import replace
from queue import Queue
from typing import Any

from demo_app.jobs import Capabilities, Job
from demo_app.jobs.backend import Backend
from demo_app.jobs.outcome import Retry
from demo_app.jobs.perform import perform


class MiniBackend(Backend):
    name = "mini"
    capabilities = Capabilities(fifo=True)

    def __init__(self, settings: Any) -> None:
        self._jobs: Queue[Job] = Queue()

    def start(self) -> None:
        threading.Thread(target=self._work, daemon=True).start()

    def _enqueue(self, jobs: list[Job]) -> None:
        for job in jobs:
            self._jobs.put(job)

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            outcome = perform(job)
            if isinstance(outcome, Retry):
                again = replace(job, attempts=job.attempts + 1)
                threading.Timer(outcome.after, self._jobs.put, [again]).start()

"""A queue in the producer's memory, and threads that run its jobs, as in Rails' async adapter.

The queue is fast and simple, and loses all unfinished jobs if the process dies.
"""

import heapq
import threading
import time
from dataclasses import replace
from itertools import count

from demo_app.backends.in_process import InProcessBackend
from demo_app.jobs.capabilities import QUEUE, Priority
from demo_app.jobs.job import Job
from demo_app.jobs.outcome import Retry
from demo_app.settings import Settings


class MemoryBackend(InProcessBackend):
    """A backend with a queue in the producer's memory.

    Args:
        concurrency: the number of threads that run its jobs.
    """

    name = "memory"
    capabilities = replace(QUEUE, priority=Priority.EXACT)

    def __init__(self, concurrency: int) -> None:
        super().__init__()
        self._ready: list[tuple[int, int, Job]] = []  # a heap: by priority, then by arrival
        self._later: list[tuple[float, int, Job]] = []  # a heap: by due time (0: now)
        self._order = count()
        self._changed = threading.Condition()
        self._closed = False
        self._concurrency = concurrency
        self._threads: list[threading.Thread] = []  # started with the first job

    def _enqueue(self, jobs: list[Job]) -> None:
        with self._changed:
            if self._closed:
                raise RuntimeError("the in-memory backend is closed and accepts no more jobs")
        for job in jobs:
            if self._is_new(job):
                self._put(job, job.due or 0.0)

    def close(self) -> None:
        """Refuse further jobs, and wait for running jobs to end. Waiting jobs are lost."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def forget(self) -> None:
        """Wait for running jobs to end, delete waiting jobs, and then accept jobs again."""
        self.close()
        with self._changed:
            self._ready, self._later, self._threads = [], [], []
            self._closed = False

    def _start(self, number: int) -> threading.Thread:
        thread = threading.Thread(target=self._work, name=f"memory-{number}", daemon=True)
        thread.start()
        return thread

    def _put(self, job: Job, due: float) -> None:
        with self._changed:
            if not self._threads:
                self._threads = [self._start(number) for number in range(self._concurrency)]
            heapq.heappush(self._later, (due, next(self._order), job))
            self._changed.notify()

    def _next(self) -> Job | None:
        with self._changed:
            while not self._closed:
                now = time.time()
                while self._later and self._later[0][0] <= now:
                    job = heapq.heappop(self._later)[2]
                    heapq.heappush(self._ready, (-job.priority, next(self._order), job))
                if self._ready:
                    return heapq.heappop(self._ready)[2]
                # at most 1 s, since the clock may jump and very long waits are an error in Python
                self._changed.wait(min(self._later[0][0] - now, 1.0) if self._later else None)
            return None

    def _work(self) -> None:
        while (job := self._next()) is not None:
            outcome = self._try(job)
            if isinstance(outcome, Retry):
                again = replace(job, attempts=job.attempts + 1)
                self._put(again, time.time() + outcome.after)


def make(settings: Settings) -> MemoryBackend:
    return MemoryBackend(settings.concurrency)

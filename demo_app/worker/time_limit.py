"""The time limit: a job that runs for too long is ended.

A thread can't be killed. So `JobTimeout` is raised in it, which reaches it at its next line of
Python. A thread that waits inside a library's C code without end never gets there: it is hung, and
only the end of its process ends it (see `shutdown`).

Source: Python's C API manual, ``PyThreadState_SetAsyncExc``.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from demo_app.jobs.job import Job
from demo_app.jobs.perform import JobTimeout

#: Seconds that a job has to end once it was told to.
GRACE = 2.0


@dataclass(slots=True)
class Running:
    """One run of a job; expired_at: when it was told to end, by the monotonic clock."""

    tag: str
    job: Job
    thread: int
    began: float = field(default_factory=time.monotonic)
    expired_at: float | None = None


class TimeLimit:
    """Watches the runs of one worker process. seconds: how long a run may take."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._runs: dict[str, Running] = {}
        self._lock = threading.Lock()

    @contextmanager
    def on(self, tag: str, job: Job) -> Iterator[None]:
        """The job runs inside of this, in this thread. Raises JobTimeout when it takes too long."""
        run = Running(tag, job, threading.get_ident())
        with self._lock:
            self._runs[tag] = run
        try:
            yield
        finally:
            with self._lock:
                self._runs.pop(tag, None)
            if run.expired_at is not None:  # it may not have arrived, and must not hit what follows
                _raise_in(run.thread, None)

    def watch(self, every: float, on_hang: Callable[[list[Running]], None]) -> None:
        """From now on enforce it, in a thread; every: seconds between two looks.

        on_hang: is called, again and again, with the runs that can't be ended.
        """

        def watch() -> None:
            while True:
                time.sleep(every)
                hung = self.enforce()
                if hung:
                    on_hang(hung)

        threading.Thread(target=watch, name="time limit", daemon=True).start()

    def enforce(self) -> list[Running]:
        """Tell runs that take too long to end; returns those that were and did not."""
        now = time.monotonic()
        with self._lock:
            for run in self._runs.values():
                if run.expired_at is None and now - run.began > self._seconds:
                    run.expired_at = now
                    _raise_in(run.thread, JobTimeout)
            return [
                run
                for run in self._runs.values()
                if run.expired_at is not None and now - run.expired_at > GRACE
            ]


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    error = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), error)

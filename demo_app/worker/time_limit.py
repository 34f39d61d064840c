"""The time limit: a job that runs for too long is ended.

A thread can't be killed. So `JobTimeout` is raised in it, which reaches it at its next line of
Python. A thread that waits inside a library's C code without end never gets there: it is hung, and
only the end of its process ends it.

Source: Python's C API manual, ``PyThreadState_SetAsyncExc``.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from demo_app.jobs.perform import JobTimeout


@dataclass(slots=True, eq=False)
class Running:
    """One run of a job. expired: whether it was stopped for its time."""

    thread: int
    began: float = field(default_factory=time.monotonic)
    expired: bool = False


class TimeLimit:
    """Watches the runs of one worker process. seconds: how long a run may take."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._runs: list[Running] = []
        self._lock = threading.Lock()

    @contextmanager
    def on(self) -> Iterator[None]:
        """Run a job in this block and thread. Raises JobTimeout when it takes too long."""
        run = Running(threading.get_ident())
        with self._lock:
            self._runs.append(run)
        try:
            yield
        finally:
            with self._lock:
                self._runs.remove(run)
            if run.expired:  # it may not have arrived, and must not hit what follows
                _raise_in(run.thread, None)

    def watch(self, every: float) -> None:
        """Enforce the limit from now on, in a thread. every: seconds between two checks."""

        def watch() -> None:
            while True:
                time.sleep(every)
                self.enforce()

        threading.Thread(target=watch, name="time limit", daemon=True).start()

    def enforce(self) -> None:
        """Stop each run that takes too long."""
        now = time.monotonic()
        with self._lock:
            for run in self._runs:
                if not run.expired and now - run.began > self._seconds:
                    run.expired = True
                    _raise_in(run.thread, JobTimeout)


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    error = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), error)

"""The time limit of jobs.

A thread cannot be killed. So `JobTimeout` is raised in the job's thread, at its next line of
Python. A thread that hangs in a library's C code never reaches that line, and ends only with its
process.

Source: Python's C API manual, ``PyThreadState_SetAsyncExc``.
"""

import ctypes
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from demo_app.jobs.perform import JobTimeout


@dataclass(slots=True, eq=False)
class Running:
    """One run of a job.

    Attributes:
        thread: the id of the job's thread.
        expired: True if the run exceeded the time limit.
    """

    thread: int
    began: float = field(default_factory=time.monotonic)
    expired: bool = False


class TimeLimit:
    """The time limit of the jobs of one worker process.

    Args:
        seconds: the longest time of a run.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._runs: list[Running] = []
        self._lock = threading.Lock()

    @contextmanager
    def on(self) -> Iterator[None]:
        """Limit the time of the block, which runs a job in this thread.

        Raises:
            JobTimeout: the block takes too long.
        """
        run = Running(threading.get_ident())
        with self._lock:
            self._runs.append(run)
        try:
            yield
        finally:
            with self._lock:
                self._runs.remove(run)
            if run.expired:  # cancel the exception if it was not raised yet
                _raise_in(run.thread, None)

    def watch(self, every: float) -> None:
        """Start a thread that enforces the limit.

        Args:
            every: seconds between two checks.
        """

        def watch() -> None:
            while True:
                time.sleep(every)
                self.enforce()

        threading.Thread(target=watch, name="time limit", daemon=True).start()

    def enforce(self) -> None:
        """Raise JobTimeout in the thread of each run that takes too long."""
        now = time.monotonic()
        with self._lock:
            for run in self._runs:
                if not run.expired and now - run.began > self._seconds:
                    run.expired = True
                    _raise_in(run.thread, JobTimeout)


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    error = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), error)

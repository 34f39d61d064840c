"""A worker's lease: a key in Redis that expires unless the worker renews it.

An epoch is the time during which a worker process holds one lease. The process claims jobs under
the unique name of its epoch. While the lease is renewed, no other worker touches the epoch's
claims. If the lease expires (because the process was paused, for example), other workers rescue the
jobs. The process then begins a new epoch, and jobs of the old epoch that still run must not have
further side effects.
"""

import json
import os
import platform
import secrets
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from itertools import count
from typing import Any

from .lua import ScriptCall
from .memory import resident
from .queue import Queue


class LeaseLost(BaseException):
    """The error if a job may belong to another worker now. The job's task must stop at once.

    Not an Exception, so that `except Exception` in a task does not catch it.
    """


class Lease:
    """The lease of this process. Safe to use from every thread.

    Args:
        queue: the broker's queue.
        seconds: length of the lease.
        info: facts about the worker for pages. The process and versions are added to them.
    """

    def __init__(self, queue: Queue, seconds: float, info: Mapping[str, Any]) -> None:
        self._queue, self._seconds = queue, seconds
        self._generation = count(1)
        # two containers may have the same host name and process id
        self._birth = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(8)}"
        self._changing = threading.Lock()
        process = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.time()}
        versions = {"python": platform.python_version(), "celery": version("celery")}
        self._facts = {**process, **versions, **info}
        self.worker = ""
        self._over = False
        self._valid_until = 0.0  # by this process's own monotonic clock

    @property
    def milliseconds(self) -> int:
        return int(self._seconds * 1000)

    def take(self) -> str:
        """Register a new epoch with its lease, and return the epoch's name."""
        worker, before = f"{self._birth}.{next(self._generation)}", self.worker
        sent = time.monotonic()
        self._queue.register(worker, self.milliseconds, self._info(), instead_of=before)
        self.worker, self._valid_until = worker, sent + self._seconds
        return worker

    def _info(self) -> str:
        return json.dumps({**self._facts, "memory": resident()})

    def renew(self, waiting: Iterable[str] = ()) -> ScriptCall[bool]:
        """Return the call that renews the lease; the first time, also register the worker.

        If the lease was lost, parsing the reply begins a new epoch, and the result is False.

        Args:
            waiting: ids of the claimed jobs that have not begun.

        Raises:
            redis.RedisError: the worker could not be registered.
        """
        with self._changing:
            if not self.worker and not self._over:
                self.take()
            worker, sent = self.worker, time.monotonic()
        beat = self._queue.beat(worker, self.milliseconds, self._info(), waiting)

        def parse(reply: Any) -> bool:
            alive = beat.parse(reply)
            with self._changing:
                if self._over or worker != self.worker:  # another thread changed the epoch
                    return True
                if alive:
                    self._valid_until = max(self._valid_until, sent + self._seconds)
                else:
                    self.take()
            return alive

        return ScriptCall(beat.scripts, beat.call, parse)

    def end(self) -> None:
        """Give back the claims, and end the lease; it cannot be renewed any more."""
        with self._changing:
            worker, self.worker, self._over = self.worker, "", True
            if worker:
                self._queue.deregister(worker)

    def check(self, worker: str) -> None:
        """Raise LeaseLost if the epoch that claimed a job is over. Call this before a side effect.

        No command is sent while the lease is valid by this process's clock. After that, the
        lease is renewed first.

        Args:
            worker: the name of the epoch that claimed the job.

        Raises:
            LeaseLost: the epoch is over.
            redis.RedisError: Redis does not answer.
        """
        if worker == self.worker and time.monotonic() >= self._valid_until:  # keeps: may-send
            self.renew().send()
        if worker != self.worker:
            raise LeaseLost(f"the lease of {worker} has ended: other workers may run its jobs")

"""A worker's lease: its sign of life in Redis, and its own certainty that it still holds it.

Each worker process has an epoch, a name that no other process has, and no later epoch of the same
process. While the lease is renewed, nobody touches the epoch's claims. When it was not renewed in
time (the process was paused, say), others have rescued its jobs. This process then begins a new
epoch, and what it still runs under the old one must do nothing more.
"""

from __future__ import annotations

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
from .queue import Queue


class LeaseLost(BaseException):
    """This worker was taken for dead and the job is another's now: stop, without side effects.

    No Exception, so that a job's own `except Exception` can't swallow it.
    """


class Lease:
    """See the module. Safe to use from every thread of the process.

    seconds: how long it lasts when it is not renewed. info: what the worker says of itself
    beside its process, and since when that runs (epoch seconds).
    """

    def __init__(self, queue: Queue, seconds: float, info: Mapping[str, Any]) -> None:
        self._queue = queue
        self._seconds = seconds
        self._generation = count(1)
        # containers often share a host's name and the number of their process
        self._birth = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(8)}"
        self._changing = threading.Lock()
        process = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.time()}
        versions = {"python": platform.python_version(), "celery": version("celery")}
        self._info = json.dumps({**process, **versions, **info})
        self.worker = ""
        self._over = False
        self._valid_until = 0.0  # by this process's own monotonic clock

    @property
    def milliseconds(self) -> int:
        """The lease's length."""
        return int(self._seconds * 1000)

    def take(self) -> str:
        """Register a new epoch, and so a lease; returns the epoch's name."""
        worker, before = f"{self._birth}.{next(self._generation)}", self.worker
        asked = time.monotonic()
        self._queue.register(worker, self.milliseconds, self._info, instead_of=before)
        self.worker, self._valid_until = worker, asked + self._seconds
        return worker

    def renew(self, waiting: Iterable[str] = ()) -> ScriptCall[bool]:
        """Renew the lease. The result is False if it was lost and a new epoch has begun.

        The first call takes the lease.

        Args:
            waiting: ids of the jobs that are held and have not begun.

        Raises:
            redis.RedisError: the first lease could not be taken.
        """
        with self._changing:
            if not self.worker and not self._over:
                self.take()
            worker, asked = self.worker, time.monotonic()
        beat = self._queue.beat(worker, self.milliseconds, self._info, waiting)

        def parse(reply: Any) -> bool:
            alive = beat.parse(reply)
            with self._changing:
                if self._over or worker != self.worker:  # another thread began the next epoch
                    return True
                if alive:
                    self._valid_until = max(self._valid_until, asked + self._seconds)
                else:
                    self.take()
            return alive

        return ScriptCall(beat.scripts, beat.call, parse)

    def end(self) -> None:
        """Give back what is held, and leave; there is no lease from now on."""
        with self._changing:
            worker, self.worker, self._over = self.worker, "", True
            if worker:
                self._queue.deregister(worker)

    def check(self, worker: str) -> None:
        """Call before a side effect of a job that the epoch `worker` claimed.

        While the own clock says that the lease holds, this costs nothing. Else Redis decides,
        and while Redis can't be reached this raises its error: nobody may act on a guess.
        Raises LeaseLost when the epoch is over.
        """
        if worker == self.worker and time.monotonic() >= self._valid_until:  # keeps: may-send
            self.renew().send()
        if worker != self.worker:
            raise LeaseLost(f"{worker} was taken for dead; its jobs went to others")

"""A worker's lease: its sign of life in Redis, and its own certainty that it still holds it.

Each worker process has an incarnation, a name that no other process and no later life of this
one bears. While the lease is renewed, nobody touches the incarnation's claims. When it was not
renewed in time (the process was paused, say), others have rescued its jobs; this process then
takes a new incarnation, and what it still runs under the old one must do nothing more.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import socket
import threading
import time
from importlib.metadata import version
from itertools import count

from demo_app.broker.queue import Queue
from demo_app.jobs.perform import LeaseLost
from demo_app.settings import Safeguard, Settings


class Lease:
    """See the module. Safe to use from every thread of the process."""

    def __init__(self, store: Queue, chosen: Settings) -> None:
        self._store = store
        self._seconds = chosen.lease_seconds
        self._checked = chosen.has(Safeguard.LEASE)
        self._generation = count(1)
        self._birth = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"
        self._renewing = threading.Lock()
        self._said = json.dumps(
            {
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "concurrency": chosen.concurrency,
                "queues": list(chosen.queues),
                "python": platform.python_version(),
                "celery": version("celery"),
                "since": time.time(),
            }
        )
        self.worker = ""
        self._over = False
        self._valid_until = 0.0  # by this process's own monotonic clock

    @property
    def milliseconds(self) -> int:
        """The lease's length."""
        return int(self._seconds * 1000)

    def take(self) -> str:
        """Register a new incarnation, and so a lease; returns the incarnation's name."""
        worker = f"{self._birth}.{next(self._generation)}"
        asked = time.monotonic()
        self._store.register(worker, self.milliseconds, self._said)
        self.worker, self._valid_until = worker, asked + self._seconds
        return worker

    def renew(self) -> bool:
        """Renew the lease; False when it was lost, and a new incarnation has been taken."""
        with self._renewing:
            if self._over:
                return True
            asked = time.monotonic()
            if self._store.beat(self.worker, self.milliseconds, self._said):
                self._valid_until = asked + self._seconds
                return True
            self.take()
            return False

    def end(self) -> None:
        """Give back what is held, and sign off; there is no lease from now on."""
        with self._renewing:
            worker, self.worker, self._over = self.worker, "", True
            if worker:
                self._store.goodbye(worker)

    def check(self, worker: str) -> None:
        """Call before a side effect of a job that the incarnation `worker` claimed.

        While the own clock says that the lease holds, this costs nothing. Else Redis decides,
        and while Redis can't be reached this raises its error: nobody may act on a guess.
        Raises LeaseLost when the incarnation is over.
        """
        if not self._checked:
            return
        if worker == self.worker and time.monotonic() >= self._valid_until:
            self.renew()
        if worker != self.worker:
            raise LeaseLost(f"{worker} was taken for dead; its jobs went to others")

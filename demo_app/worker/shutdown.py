"""How this process becomes a worker, and the ways in which it stops being one.

- SIGTERM: it takes nothing more, ends what it has, and leaves (Celery's warm shutdown). What is
  not done after `stop_seconds` goes back to the head of its queue.
- A second SIGTERM, or SIGQUIT: everything goes back at once.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import Any

from celery.signals import celeryd_init, worker_shutting_down

from demo_app.blog.identity import refuse_another_blog
from demo_app.broker.process import in_flight_here
from demo_app.broker.worker import leave
from demo_app.settings import Settings
from demo_app.worker.time_limit import TimeLimit

log = logging.getLogger(__name__)


class Shutdown:
    """See the module; one object a process."""

    def __init__(self, chosen: Settings, limit: TimeLimit) -> None:
        self._settings, self._limit = chosen, limit
        self._leaving = threading.Lock()
        self._stopping = False
        celeryd_init.connect(self._begin, weak=False)
        worker_shutting_down.connect(self._on_shutdown, weak=False)

    def _begin(self, conf: Any, options: dict[str, Any], **_: Any) -> None:
        pool = str(options.get("pool_cls") or options.get("pool") or conf.worker_pool)
        if not any(name in pool for name in ("thread", "solo")):
            # the claims are this process's: a pool of processes would run jobs outside of it
            sys.exit(f"The demo app's worker runs jobs in threads: use --pool threads, not {pool}.")
        refuse_another_blog(self._settings)
        self._limit.watch(self._settings.beat_seconds)

    def _on_shutdown(self, how: str, **_: Any) -> None:
        # within a signal handler, which may have interrupted any line: the work is a thread's
        at_once = self._stopping or how == "Cold"
        self._stopping = True
        for one in in_flight_here():
            one.draining = True
        wait = 0.0 if at_once else self._settings.stop_seconds
        timer = threading.Timer(wait, self._leave)
        timer.daemon = True
        timer.start()

    def _leave(self) -> None:
        with self._leaving:
            held = sum(len(one.held()) for one in in_flight_here())
            leave()
            log.warning("Stopped with %d jobs under way, which went back to their queues", held)
            os._exit(0)

"""The start and the shutdown of a worker.

- SIGTERM is Celery's warm shutdown: the worker does not claim further jobs, and finishes the jobs
  that it has claimed. Jobs that are not done after `stop_seconds` go back to the head of their
  queue.
- After a second SIGTERM, or after SIGQUIT, all jobs go back immediately.
"""

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
    """The handlers of Celery's signals at the start and the shutdown of a worker."""

    def __init__(self, chosen: Settings, limit: TimeLimit) -> None:
        self._settings, self._limit = chosen, limit
        self._leaving = threading.Lock()
        self._stopping = False
        celeryd_init.connect(self._begin, weak=False)
        worker_shutting_down.connect(self._on_shutdown, weak=False)

    def _begin(self, conf: Any, options: dict[str, Any], **_: Any) -> None:
        pool = str(options.get("pool_cls") or options.get("pool") or conf.worker_pool)
        if not any(name in pool for name in ("thread", "solo")):
            # jobs check the lease of this process, which a child process could not check
            sys.exit(
                f"The demo app's worker needs a pool of threads: use --pool threads, not {pool}."
            )
        refuse_another_blog(self._settings)
        self._limit.watch(self._settings.beat_seconds)

    def _on_shutdown(self, how: str, **_: Any) -> None:
        # A signal handler may interrupt any line, so a thread does the work.
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
            log.warning("Stopped; %d running jobs went back to their queues", held)
            os._exit(0)

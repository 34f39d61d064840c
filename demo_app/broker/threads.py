"""Jobs in a pool of threads.

Redis' reply to an acknowledgement may contain the next job (see `QoS`), which joins the waiting
jobs. The thread that has acknowledged then runs the oldest waiting job itself, because waking
another thread would cost as much time as a small job. Celery does the rest: the request, the
tracer, signals, events, revocations, results.
"""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import monotonic
from typing import Any

from billiard.einfo import ExceptionInfo
from billiard.exceptions import WorkerLostError

log = logging.getLogger(__name__)

Call = Callable[[], None]
Callback = Callable[..., object]


class _Thread(threading.local):
    """The state of one thread.

    Attributes:
        ready: True if the thread's job has run, and the job's acknowledgement may still return the
            next job.
        more: True if the thread runs one more job after the present one.
    """

    ready = False
    more = False


class Threads:
    """A pool of threads that begins jobs in the order of submission.

    Args:
        submit: the pool's own ``on_apply``, which runs a function in one of its threads.
    """

    def __init__(self, submit: Callable[..., Any]) -> None:
        self._submit = submit
        self._here = _Thread()
        self._waiting: deque[Call] = deque()

    def on_apply(
        self,
        target: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        callback: Callback = lambda *_: None,
        accept_callback: Callback = lambda *_: None,
        **_: Any,
    ) -> Any:
        """Submit a job to the pool, like `celery.concurrency.thread.TaskPool.on_apply`.

        If this thread received the job in the reply to an acknowledgement, do not use the pool:
        this thread runs one more waiting job next. Return None in this case.
        """
        run = partial(target, *args, **(kwargs or {}))
        self._waiting.append(partial(self._call, run, callback, accept_callback))
        if not self._here.ready:
            return self._submit(self._take, (), callback=lambda _: None)
        self._here.ready, self._here.more = False, True
        return None

    def _take(self) -> None:
        """Run the oldest waiting job, and one more for each acknowledgement that claimed a job."""
        here = self._here
        here.more = True
        while here.more:
            here.more = False
            try:
                self._waiting.popleft()()
            except Exception:
                log.exception("The end of a job could not be handled")
            finally:
                here.ready = False

    def _call(self, run: Callable[[], Any], callback: Callback, accept_callback: Callback) -> None:
        """Run a job, and pass its result to `callback`.

        An error outside the task becomes the job's result, as in Celery's pools.
        """
        try:
            accept_callback(os.getpid(), monotonic())
            result = run()
        except Exception:
            result = 1, ExceptionInfo(internal=True), 0.0
        except BaseException as error:  # as in prefork, where sys.exit() ends the process
            lost = WorkerLostError(repr(error))
            found = ExceptionInfo((WorkerLostError, lost, error.__traceback__), internal=True)
            result = 1, found, 0.0
        self._here.ready = True
        callback(result)

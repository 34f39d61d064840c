"""The state of this process: its jobs in flight at each broker, and its Celery worker."""

import os
import threading
from collections.abc import Callable, Hashable
from typing import Any

from .in_flight import InFlight

_in_flight: dict[Hashable, InFlight] = {}
_making = threading.Lock()
#: "controller": Celery's worker object; "info": facts about the worker, for pages and reports.
#: Empty in a process that is not a worker.
_worker: dict[str, Any] = {}


def in_flight_at(broker: Hashable, make: Callable[[], InFlight]) -> InFlight:
    if broker not in _in_flight:
        with _making:
            if broker not in _in_flight:
                _in_flight[broker] = make()
    return _in_flight[broker]


def in_flight_here() -> list[InFlight]:
    return list(_in_flight.values())


def claiming_here() -> InFlight:
    """Return the jobs in flight of this worker.

    Raises:
        LookupError: this process is not a worker.
    """
    for found in in_flight_here():
        if found.working:
            return found
    raise LookupError("this process is not a worker")


def begin(controller: Any, **info: object) -> None:
    """Record that this process is a Celery worker.

    Args:
        controller: Celery's worker object.
        info: facts about the worker, for pages and reports.
    """
    _worker.update(controller=controller, info=info)


def info() -> dict[str, Any]:
    return dict(_worker.get("info", {}))


def controller() -> Any:
    """Return Celery's worker object, or None if this process is not a worker."""
    return _worker.get("controller")


def in_a_pools_thread() -> bool:
    in_main = threading.current_thread() is threading.main_thread()
    return info().get("pool") == "thread" and not in_main


def _forget_the_parents() -> None:
    # a forked process is not a worker: the claims belong to its parent
    global _making
    _in_flight.clear()
    _worker.clear()
    _making = threading.Lock()


os.register_at_fork(after_in_child=_forget_the_parents)

"""This process: what it has in flight, for each broker that it uses, and whether it is a worker."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable
from typing import Any

from .in_flight import InFlight

_in_flight: dict[Hashable, InFlight] = {}
_making = threading.Lock()
#: Of a Celery worker: its own object, and what it says of itself beside its pid.
_worker: dict[str, Any] = {}


def in_flight_at(broker: Hashable, make: Callable[[], InFlight]) -> InFlight:
    """What this process has in flight at a broker; made when it is asked for."""
    with _making:
        if broker not in _in_flight:
            _in_flight[broker] = make()
        return _in_flight[broker]


def in_flight_here() -> list[InFlight]:
    """What this process has in flight, one for each broker."""
    return list(_in_flight.values())


def claiming_here() -> InFlight:
    """What this worker has claimed.

    Raises LookupError when this process is no worker.
    """
    for found in in_flight_here():
        if found.working:
            return found
    raise LookupError("this process is no worker")


def begin(controller: Any, **info: object) -> None:
    """This process is a Celery worker. info: what it says of itself."""
    _worker.update(controller=controller, info=info)


def info() -> dict[str, Any]:
    """What a Celery worker says of itself beside its pid; nothing elsewhere."""
    return dict(_worker.get("info", {}))


def controller() -> Any:
    """Celery's own object for the worker; None in a process that is none."""
    return _worker.get("controller")


def in_a_pools_thread() -> bool:
    """Whether this thread runs a worker's jobs, beside the main one."""
    return _worker.get("info", {}).get("pool") == "thread" and (
        threading.current_thread() is not threading.main_thread()
    )


def _forget_the_parents() -> None:
    """A forked process claims nothing, and is no worker: all that is its parent's."""
    global _making
    _in_flight.clear()
    _worker.clear()
    _making = threading.Lock()


os.register_at_fork(after_in_child=_forget_the_parents)

"""A broker for any Celery app: a queue in Redis that loses no job, whatever is killed.

``import demo_app.broker``, and give the app ``broker_url="claims+redis://host:6379/0"``.

In reading order: `keys` (what is in Redis), ``scripts/*.lua`` (the atomic steps), `queue` (the
steps as methods), `claim`, `lease`, `in_flight` and `heartbeat` (what a worker
holds and how it stays alive), `channel` and `transport` (how Celery puts and gets its
messages), `worker`, `request` and `threads` (what a Celery worker is told at its start, and how it
runs a job). For those who look on: `message`, `events`, `inspect`, `reports`,
`exposition`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from celery._state import connect_on_app_finalize
from kombu.transport import TRANSPORT_ALIASES

from .connection import CONNECTIONS
from .defaults import set_defaults

if TYPE_CHECKING:
    from .transport import Transport

__all__ = ["Transport"]

#: The schemes of a broker URL that lead here; `connection` reads what is behind the plus sign.
SCHEMES = ("claims", *(f"claims+{scheme}" for scheme in CONNECTIONS))
TRANSPORT_ALIASES |= dict.fromkeys(SCHEMES, f"{__name__}.transport:Transport")

connect_on_app_finalize(set_defaults)


def __getattr__(name: str) -> Any:
    if name in __all__:  # Celery is imported by who needs it, and not by every producer
        return getattr(import_module(".transport", __name__), name)
    raise AttributeError(name)

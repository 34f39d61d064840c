"""A Celery broker on Redis that loses no job, whatever is killed.

``import demo_app.broker``, and give the app ``broker_url="claims+redis://host:6379/0"``.

In reading order: `keys` (the keys in Redis), ``scripts/*.lua`` (the atomic steps), `queue` (the
steps as methods), `claim`, `lease`, `held`, `in_flight` and `heartbeat` (the claims of a worker,
and how it stays alive), `channel` and `transport` (how Celery sends and receives messages),
`worker`, `request` and `threads` (how a Celery worker is set up, and how it runs a job). For
dashboards and tools: `message`, `events`, `inspect`, `control_replies`, `exposition`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from celery._state import connect_on_app_finalize
from kombu.transport import TRANSPORT_ALIASES

from .connection import CONNECTIONS
from .defaults import set_defaults

if TYPE_CHECKING:
    from .transport import Transport

__all__ = ["Transport"]

#: The schemes of this broker's URLs; `connection` reads the part behind the plus sign.
SCHEMES = ("claims", *(f"claims+{scheme}" for scheme in CONNECTIONS))
TRANSPORT_ALIASES |= dict.fromkeys(SCHEMES, f"{__name__}.transport:Transport")

connect_on_app_finalize(set_defaults)


def __getattr__(name: str) -> Any:
    if name in __all__:  # import the transport on first use: some programs do not need it
        return getattr(import_module(".transport", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

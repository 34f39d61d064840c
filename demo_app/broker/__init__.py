"""A broker for any Celery app: a queue in Redis that loses no job, whatever is killed.

``import demo_app.broker``, and give the app ``broker_url="claims+redis://host:6379/0"``.

In reading order: `keys` (what is in Redis), ``scripts/*.lua`` (the atomic steps), `queue` (the
steps as methods), `claim`, `lease`, `in_flight` and `heartbeat` (what a worker holds and how it
stays alive), `transport` (how Celery gets its messages), `worker` (what a Celery worker is told
at its start). For whoever looks on: `message`, `events`, `inspect`, `throughput`, `durability`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery._state import connect_on_app_finalize
from kombu.transport import TRANSPORT_ALIASES

if TYPE_CHECKING:
    from demo_app.broker.transport import SentinelTransport, Transport

__all__ = ["SentinelTransport", "Transport"]

#: The schemes of a broker URL that lead here.
SCHEMES = {
    "claims": "Transport",
    "claims+redis": "Transport",
    "claims+rediss": "Transport",
    "claims+valkey": "Transport",
    "claims+unix": "Transport",
    "claims+socket": "Transport",
    "claims+sentinel": "SentinelTransport",
}
for _scheme, _name in SCHEMES.items():
    TRANSPORT_ALIASES[_scheme] = f"demo_app.broker.transport:{_name}"

#: Celery acknowledges a job before it runs, and one whose process was killed as well. A job that is
#: to survive has to be acknowledged when it has ended. An app, or a task, may say False itself.
DEFAULTS = ("task_acks_late", "task_reject_on_worker_lost")


def is_chosen(conf: Any) -> bool:
    """Whether an app with this configuration uses the broker of this package."""
    url = conf.broker_read_url or conf.broker_url or ""
    urls = [url] if isinstance(url, str) else list(url)
    named = str(conf.broker_transport or "")
    return __name__ in named or any(one.startswith("claims") for one in urls)


def _set_defaults(app: Any) -> None:
    """Before an app's tasks are bound: acknowledge late, unless the app says otherwise."""
    if is_chosen(app.conf):
        said = app.conf.maps[:-1]  # the last one has Celery's own defaults
        app.conf.update({name: True for name in DEFAULTS if not any(name in one for one in said)})


connect_on_app_finalize(_set_defaults)


def __getattr__(name: str) -> Any:
    if name in __all__:  # Celery is imported by who needs it, and not by every producer
        from demo_app.broker import transport

        return getattr(transport, name)
    raise AttributeError(name)

"""The dashboard of a Celery app on this broker: its jobs, queues and workers.

``app`` is the ASGI app for Celery's current app; ``dashboard(celery_app)`` returns the ASGI app for
any other Celery app. Both need the extra `web`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from celery import current_app

if TYPE_CHECKING:
    from fastapi import FastAPI

    from .asgi import dashboard

    app: FastAPI

__all__ = ["app", "dashboard"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    dashboard = import_module(".asgi", __name__).dashboard
    globals()["dashboard"] = dashboard
    if name == "app":  # on first use: the current Celery app must be imported first
        globals()["app"] = dashboard(current_app)
    return globals()[name]

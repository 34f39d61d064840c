"""The dashboard of a Celery app on this broker: its jobs, queues and workers.

``app`` is the ASGI app for Celery's current app; ``dashboard(celery_app)`` returns the ASGI app for
any other Celery app. Both need the extra `web`.
"""

from celery import current_app
from fastapi import FastAPI

from .asgi import dashboard

app: FastAPI
__all__ = ["app", "dashboard"]


def __getattr__(name: str) -> FastAPI:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # create `app` at its first use, since the Celery app must be imported first
    made = globals()["app"] = dashboard(current_app)
    return made

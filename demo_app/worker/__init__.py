"""The worker: Celery, with claims in place of pops. ``celery -A demo_app.worker worker``."""

from demo_app.worker.app import app

__all__ = ["app"]

"""The demo app's Celery worker: ``celery -A demo_app.worker worker``."""

from demo_app.startup import garbage_collection_paused

with garbage_collection_paused():
    from demo_app.settings import Transport, settings

    if settings().transport is Transport.STOCK:
        from demo_app.backends.stock import worker_app

        app = worker_app(settings())
    else:
        from demo_app.worker.app import make_app

        app = make_app(settings())

__all__ = ["app"]

"""An ordinary Celery app on stock Redis."""

from benchmarks.peers.celery_app import SETTINGS, app_on, layouts
from demo_app.broker.connection import client_url
from demo_app.settings import settings

__all__ = ["LAYOUTS", "SETTINGS", "enqueue"]

LAYOUTS = layouts(__name__)
# Celery has another name for the scheme of a unix socket
notify = app_on(client_url(settings().redis_url).replace("unix://", "redis+socket://"))
app = notify.app
enqueue = notify.delay

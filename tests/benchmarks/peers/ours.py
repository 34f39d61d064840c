"""An ordinary Celery app on claims."""

import demo_app.broker
from benchmarks.peers.celery_app import SETTINGS, app_on, layouts
from demo_app.broker.connection import client_url
from demo_app.settings import settings

__all__ = ["LAYOUTS", "SETTINGS", "enqueue"]

LAYOUTS = layouts(__name__)
# an app without the rest of this project imports `celery_claims`
assert demo_app.broker.SCHEMES  # the import registers the transport
notify = app_on(f"claims+{client_url(settings().redis_url)}")
app = notify.app
enqueue = notify.delay

"""Taskiq with a Redis list, its quickest broker: what is popped is gone from Redis."""

from __future__ import annotations

from taskiq_redis import ListQueueBroker

from benchmarks.peers.taskiq_app import layouts, served_by
from demo_app.broker.connection import client_url
from demo_app.settings import settings

LAYOUTS = layouts(__name__)
broker = ListQueueBroker(client_url(settings().redis_url))
enqueue = served_by(broker)

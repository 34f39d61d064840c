"""RQ: eight workers that don't fork."""

import sys
from functools import partial

import redis
from rq import Queue

from benchmarks.notification import send
from demo_app.broker.connection import client_url
from demo_app.settings import settings

_RUN = [sys.executable, "-m", "rq.cli", "worker", "--worker-class", "rq.worker.SimpleWorker"]
_WORKER = [*_RUN, "--url", client_url(settings().redis_url), "--quiet", "bench"]
SETTINGS = "SimpleWorker (no fork), result_ttl=0"
LAYOUTS = {"eight processes": [_WORKER for _ in range(8)]}

_queue = Queue("bench", connection=redis.Redis.from_url(client_url(settings().redis_url)))
enqueue = partial(_queue.enqueue, send, result_ttl=0)

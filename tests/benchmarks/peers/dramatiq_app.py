import sys

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.notification import send
from demo_app.broker.connection import client_url
from demo_app.settings import settings

_RUN = [sys.executable, "-m", "dramatiq", "benchmarks.peers.dramatiq_app"]
SETTINGS = "none"
LAYOUTS = {
    "two processes of four threads": [[*_RUN, "--processes", "2", "--threads", "4"]],
    "eight processes": [[*_RUN, "--processes", "8", "--threads", "1"]],
}

dramatiq.set_broker(RedisBroker(url=client_url(settings().redis_url)))  # type: ignore[no-untyped-call]
enqueue = dramatiq.actor(send).send

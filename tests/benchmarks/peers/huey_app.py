import sys

from huey import RedisHuey

from benchmarks.notification import send
from demo_app.broker.connection import client_url
from demo_app.settings import settings

_RUN = [sys.executable, "-m", "huey.bin.huey_consumer", "benchmarks.peers.huey_app.huey"]
SETTINGS = "results=False"
LAYOUTS = {
    "eight processes": [[*_RUN, "-k", "process", "-w", "8", "-q"]],
    "two processes of four threads": [[*_RUN, "-k", "thread", "-w", "4", "-q"] for _ in range(2)],
}

huey = RedisHuey("bench", url=client_url(settings().redis_url), results=False)
enqueue = huey.task()(send)

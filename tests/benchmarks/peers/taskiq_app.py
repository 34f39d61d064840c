"""Taskiq on Redis streams, with acknowledgements."""

import sys

from taskiq_redis import RedisStreamBroker

from benchmarks.notification import send
from demo_app.broker.connection import client_url
from demo_app.settings import settings

_RUN = [sys.executable, "-m", "taskiq", "worker", f"{__name__}:broker", "--log-level", "ERROR"]


def _layout(processes: str, threads: str) -> list[list[str]]:
    limits = ["--max-threadpool-threads", threads, "--max-async-tasks", threads]
    return [[*_RUN, "--workers", processes, *limits]]


SETTINGS = "xread_count=4"
LAYOUTS = {"two processes of four threads": _layout("2", "4"), "eight processes": _layout("8", "1")}

broker = RedisStreamBroker(client_url(settings().redis_url), xread_count=4)
notify = broker.task(task_name="bench.notify")(send)
_started: list[bool] = []


async def enqueue(**payload: str) -> None:
    if not _started:
        await broker.startup()
        _started.append(True)
    await notify.kiq(**payload)

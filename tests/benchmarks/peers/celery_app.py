"""An ordinary Celery app with one task, and the commands of its workers.

The settings are the same on claims and on stock Redis. They contain late acknowledgement: it is the
default of claims, and without it stock Celery loses the jobs of a killed worker.
"""

import sys
from typing import Any

from celery import Celery

from benchmarks.notification import send

_WITHOUT = ["--without-mingle", "--without-gossip", "--without-heartbeat"]
SETTINGS = "task_acks_late, task_ignore_result; no mingle, gossip and heartbeat messages"


def app_on(broker: str) -> Any:
    """Create an app, and return its task.

    Args:
        broker: the URL of the app's broker.
    """
    app = Celery("bench", broker=broker)
    app.conf.update(task_acks_late=True, task_ignore_result=True)
    return app.task(name="bench.notify")(send)


def layouts(app: str) -> dict[str, list[list[str]]]:
    """Return the commands of an app's workers, by layout.

    Args:
        app: the app's module.
    """
    run = [sys.executable, "-m", "celery", "-A", app, "worker", *_WITHOUT, "--loglevel", "ERROR"]

    def workers(count: int, pool: str, size: str) -> list[list[str]]:
        return [[*run, "-n", f"{n}@%h", "-P", pool, "-c", size] for n in range(count)]

    return {
        "two processes of four threads": workers(2, "threads", "4"),
        "one process of eight threads": workers(1, "threads", "8"),
        "eight processes": workers(1, "prefork", "8"),
    }

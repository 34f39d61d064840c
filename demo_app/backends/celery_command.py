"""The command and settings of a Celery worker, and the name of this program in job histories."""

import sys
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from demo_app.settings import Settings


def worker_command() -> list[str]:
    without = ["--without-mingle", "--without-gossip", "--without-heartbeat"]
    name = ["--hostname", f"worker-{uuid4().hex[:8]}@%h", "--loglevel", "WARNING"]
    return [sys.executable, "-m", "demo_app.worker", *without, *name]


def celery_settings(chosen: Settings) -> dict[str, Any]:
    """Return the Celery settings that are the same for both transports (`claims` and Celery's own).

    The settings include late acknowledgement, and a prefetch of one, so that a worker reserves only
    the jobs that it can run.
    """
    return {
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "task_default_queue": chosen.queues[0],
        "task_acks_late": True,
        "task_ignore_result": True,
        "worker_pool": "threads",
        "worker_concurrency": chosen.concurrency,
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
    }


@cache
def program() -> str:
    """Return this program's name for a job's history, such as ``web`` for ``demo_app.web``."""
    path = Path(getattr(sys.modules["__main__"], "__file__", None) or "python")
    return path.parent.name if path.stem == "__main__" else path.stem

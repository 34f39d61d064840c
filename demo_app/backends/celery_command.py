"""How a Celery worker of this project is started and set up, and the name of this program."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from demo_app.settings import Settings


def worker_command() -> list[str]:
    """The command of one Celery worker, whose node name no other one has."""
    without = ["--without-mingle", "--without-gossip", "--without-heartbeat"]
    name = ["--hostname", f"worker-{uuid4().hex[:8]}@%h", "--loglevel", "WARNING"]
    return [sys.executable, "-m", "demo_app.worker", *without, *name]


def celery_settings(chosen: Settings) -> dict[str, Any]:
    """Those that Celery's worker has here with either transport: what its manual recommends for
    jobs that must not be lost, late acknowledgement and a prefetch of one, in threads."""
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
    """What this program is called in a job's history: ``web`` for ``python -m demo_app.web``, else
    the name of the module or file that runs."""
    path = Path(getattr(sys.modules["__main__"], "__file__", None) or "python")
    return path.parent.name if path.stem == "__main__" else path.stem

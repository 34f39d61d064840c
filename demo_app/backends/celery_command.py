"""How a Celery worker of this project is started; the settings say with which transport."""

from __future__ import annotations

import sys
from uuid import uuid4


def worker_command() -> list[str]:
    """The command of one Celery worker, whose node name no other one has."""
    quiet = ["--without-mingle", "--without-gossip", "--without-heartbeat"]
    name = ["--hostname", f"worker-{uuid4().hex[:8]}@%h", "--loglevel", "WARNING"]
    return [sys.executable, "-m", "celery", "-A", "demo_app.worker", "worker", *quiet, *name]

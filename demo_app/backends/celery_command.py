"""How a Celery worker of this project is started, and whether it is ready."""

from __future__ import annotations

import json
import sys
from uuid import uuid4

import redis

from demo_app.broker.connection import Decoded


def worker_command() -> list[str]:
    """The command of one Celery worker, whose node name no other one has."""
    quiet = ["--without-mingle", "--without-gossip", "--without-heartbeat"]
    name = ["--hostname", f"worker-{uuid4().hex[:8]}@%h", "--loglevel", "WARNING"]
    return [sys.executable, "-m", "demo_app.worker", *quiet, *name]


def worker_ready(client: Decoded, pid: int) -> bool:
    """Whether the worker process with this pid has registered in Redis."""
    try:
        said = [client.get(f"worker:{worker!s}") for worker in client.smembers("workers")]
    except redis.RedisError:
        return False
    return any(json.loads(line).get("pid") == pid for line in said if line)

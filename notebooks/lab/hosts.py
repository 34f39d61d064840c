"""A second host: a worker that knows the first host only by its settings."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from demo_app.verification.proxy import Connect, Proxy
from lab import proxy

if TYPE_CHECKING:
    from lab.running import Lab

#: What a worker on another machine must be told; nothing else is shared.
SETTINGS = ("DEMO_REDIS_URL", "DEMO_SMTP_URL", "DEMO_DIR")
#: Ways to get a network of one's own: as root, and as anybody where the system permits it.
_WAYS = (
    ("unshare", "--net", "--uts"),
    ("unshare", "--net", "--uts", "--user", "--map-root-user"),
)


def what_a_worker_needs(lab: Lab) -> dict[str, str]:
    """The settings with which a worker on another machine joins."""
    environment = lab.stack.plan.environment()
    return {name: environment[name] for name in SETTINGS if name in environment}


class SecondHost:
    """A worker with its own network (a Linux network namespace) where that is permitted, and one
    cable to the first host; it ends with the lab."""

    def __init__(self, lab: Lab) -> None:
        plan = lab.stack.plan
        redis_url = urlsplit(plan.redis_url)
        redis: Connect = partial(
            asyncio.open_connection, redis_url.hostname, redis_url.port or 6379
        )
        if plan.redis_socket is not None:
            redis = partial(asyncio.open_unix_connection, plan.redis_socket)
        smtp: Connect = partial(asyncio.open_connection, "127.0.0.1", plan.smtp_port)
        ends = [_socket_at(plan.folder.path / name) for name in ("far-redis", "far-smtp")]
        self.cable = Proxy(dict(zip(ends, (redis, smtp), strict=True)))
        lab.also_end(self.cable)
        namespace = next(filter(_permitted, _WAYS), ())
        self.apart = bool(namespace)
        paths = [str(end.getsockname()) for end in ends]
        far_end = [sys.executable, str(Path(proxy.__file__)), *paths]
        if self.apart:
            far_end = [*namespace, "env", "FAR_HOST=1", *far_end]
        name = ("--hostname", f"worker1@{proxy.HOST_NAME}")
        self.worker = lab.celery(*name, through=tuple(far_end))

    def __repr__(self) -> str:
        where = "in its own network namespace" if self.apart else "without a namespace"
        return f"A worker (pid {self.worker.pid}) on another host, {where}."


def _permitted(way: tuple[str, ...]) -> bool:
    if not shutil.which("unshare"):
        return False
    return subprocess.run([*way, "true"], capture_output=True).returncode == 0


def _socket_at(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    return listener

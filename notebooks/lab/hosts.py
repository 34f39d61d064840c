"""A second host: a worker that knows the first one by its settings only."""

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

from lab import cable
from lab.cable import Cable, Reach

if TYPE_CHECKING:
    from lab.running import Lab

#: What a worker on another machine must be told; nothing else is shared.
SETTINGS = ("DEMO_REDIS_URL", "DEMO_SMTP_URL", "DEMO_DIR")
#: As root, and as anybody where the system permits it.
_WAYS = (("--net", "--uts"), ("--net", "--uts", "--user", "--map-root-user"))


def what_a_worker_needs(lab: Lab) -> dict[str, str]:
    """The settings by which a worker elsewhere joins."""
    told = lab.stack.plan.environment()
    return {name: told[name] for name in SETTINGS if name in told}


class SecondHost:
    """A worker with a network of its own (a Linux network namespace), where that is permitted, and
    one cable to the first host."""

    def __init__(self, lab: Lab) -> None:
        plan, way = lab.stack.plan, _way()
        self.apart = bool(way)
        there = urlsplit(plan.redis_url)
        redis: Reach = partial(asyncio.open_connection, there.hostname, there.port or 6379)
        if plan.redis_socket is not None:
            redis = partial(asyncio.open_unix_connection, plan.redis_socket)
        smtp: Reach = partial(asyncio.open_connection, "127.0.0.1", plan.smtp_port)
        ends = [_socket_at(plan.folder.path / name) for name in ("far-redis", "far-smtp")]
        self.cable = Cable(dict(zip(ends, (redis, smtp), strict=True)))
        lab.also_end(self.cable)
        flag = ["env", "FAR_HOST=1"] if way else []
        far_end = [*way, *flag, sys.executable, str(Path(cable.__file__))]
        paths = [str(end.getsockname()) for end in ends]
        name = ("--hostname", f"worker1@{cable.HOST_NAME}")
        self.worker = lab.celery(*name, through=(*far_end, *paths))

    def __repr__(self) -> str:
        where = "in a network namespace of its own" if self.apart else "without a namespace"
        return f"A worker (pid {self.worker.pid}) on another host, {where}."


def second_host(lab: Lab) -> SecondHost:
    """Start a worker as another machine would; it ends with the lab."""
    return SecondHost(lab)


def _way() -> list[str]:
    """How a program gets a network of its own here; nothing where it can't."""
    for options in _WAYS:
        way = ["unshare", *options]
        if (
            shutil.which("unshare")
            and subprocess.run([*way, "true"], capture_output=True).returncode == 0
        ):
            return way
    return []


def _socket_at(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    return listener

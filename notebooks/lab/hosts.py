"""A second host: a worker that knows the first one by its settings, at the end of a cable."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from functools import partial
from urllib.parse import urlsplit

from demo_app.judge.proxy import Connect, Proxy
from lab.language import say
from lab.running import Lab

#: What a worker on another machine must be told; nothing else is shared.
SETTINGS = ("DEMO_REDIS_URL", "DEMO_SMTP_URL", "DEMO_DIR")


def what_a_worker_needs(lab: Lab) -> dict[str, str]:
    """The settings with which a worker on another machine joins."""
    environment = lab.stack.plan.environment()
    return {name: environment[name] for name in SETTINGS if name in environment}


class SecondHost:
    """A worker whose only way to the first host is one cable; it ends with the lab."""

    def __init__(self, lab: Lab) -> None:
        plan = lab.stack.plan
        redis_url = urlsplit(plan.redis_url)
        redis: Connect = partial(
            asyncio.open_connection, redis_url.hostname, redis_url.port or 6379
        )
        if plan.redis_socket is not None:
            redis = partial(asyncio.open_unix_connection, plan.redis_socket)
        smtp: Connect = partial(asyncio.open_connection, "127.0.0.1", plan.smtp_port)
        # nobody else on this machine gets into the queue by it: its end is in a private folder
        folder = tempfile.TemporaryDirectory(prefix="cable-")
        lab.at_end.callback(folder.cleanup)
        path = f"{folder.name}/redis.sock"
        end, smtp_end = socket.socket(socket.AF_UNIX), socket.create_server(("127.0.0.1", 0))
        end.bind(path)
        end.listen()
        self.cable = Proxy({end: redis, smtp_end: smtp})
        lab.at_end.callback(self.cable.end)
        smtp_port = smtp_end.getsockname()[1]
        self.worker = lab.celery(
            *("--hostname", "worker1@second-host"),
            DEMO_REDIS_URL=f"redis+socket://{path}",
            DEMO_SMTP_URL=f"smtp://127.0.0.1:{smtp_port}",
        )

    def __repr__(self) -> str:
        return say("A worker (pid {pid}) on the second host.", pid=self.worker.pid)

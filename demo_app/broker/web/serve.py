"""A server for only the dashboard of a Celery app."""

import secrets
from contextlib import suppress
from typing import Any

import uvicorn

from .asgi import dashboard
from .shared.guard import LOOPBACK_NAMES, host_pattern
from .shared.resources import listen
from .shared.server import configured


def serve(celery_app: Any, host: str, port: int, token: str = "") -> None:
    """Print the address with its token, and serve until Ctrl-C or SIGTERM.

    Args:
        host: the address to listen on. If it is a loopback address, a request to another host name
            is refused.
        port: 0 for any free port.
        token: gives access to the pages; if it is "", a new token is generated.

    Raises:
        ResourceError: the port is taken, or the address is not this machine's.
    """
    token = token or secrets.token_urlsafe(16)
    name = host_pattern(host)
    hosts = LOOPBACK_NAMES if name in LOOPBACK_NAMES else ("*",)
    app = dashboard(celery_app, token=token, hosts=hosts)
    listener = listen(host, port, "--port")
    print(f"http://{name}:{listener.getsockname()[1]}/jobs?token={token}", flush=True)
    with suppress(KeyboardInterrupt):
        uvicorn.Server(configured(app, connections=200, patience=3)).run(sockets=[listener])

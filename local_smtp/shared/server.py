"""The configuration with which uvicorn serves an app of this machine."""

from __future__ import annotations

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import LifespanType


def configured(
    app: ASGIApp,
    connections: int,
    *,
    patience: int,
    proxies: str = "",
    lifespan: LifespanType = "auto",
) -> uvicorn.Config:
    """Return the configuration for an app with at most so many clients at once.

    Args:
        app: the app.
        connections: clients connected at once; one more is answered with 503.
        patience: how long connected clients may go on at its end (seconds).
        proxies: the addresses whose X-Forwarded-For is believed.
        lifespan: as in uvicorn.
    """
    return uvicorn.Config(
        app,
        http="h11",  # httptools reads heads of any length
        h11_max_incomplete_event_size=32 * 1024,
        limit_concurrency=connections,
        ws="none",
        access_log=False,  # it would write tokens down
        log_level="error",  # a warning is somebody's bad request
        log_config=None,  # its errors go where the program's go
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=patience,
        lifespan=lifespan,
    )

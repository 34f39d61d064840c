"""The configuration of uvicorn that all web apps of this project share."""

import uvicorn
from starlette.types import ASGIApp


def configured(
    app: ASGIApp, connections: int, *, patience: int, proxies: str = ""
) -> uvicorn.Config:
    """Return the configuration for an app.

    Args:
        connections: limit of the connected clients; one more gets 503.
        patience: seconds for open requests at the shutdown.
        proxies: the addresses whose X-Forwarded-For is trusted.
    """
    return uvicorn.Config(
        app,
        http="h11",  # httptools has no limit for the length of headers
        h11_max_incomplete_event_size=32 * 1024,
        limit_concurrency=connections,
        ws="none",
        access_log=False,  # the access log would contain tokens
        log_level="error",  # uvicorn's warnings are only about bad requests
        log_config=None,  # uvicorn's errors go to the program's handlers
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=patience,
    )

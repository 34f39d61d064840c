"""A server for a web app. It reads the settings, and runs until SIGTERM or SIGINT."""

import contextlib
import logging
import sys
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from demo_app.blog.database import DatabaseMissing
from demo_app.settings import Settings, settings
from demo_app.shared.escape import escape_invisible
from demo_app.shared.resources import ResourceError, listen
from demo_app.shared.server import configured
from demo_app.startup import garbage_collection_paused

#: Limit of the connected clients. The rest of the 1,024 file descriptors is for Redis and for the
#: blog's database, to which each thread has a connection.
CONNECTIONS = 750


class Lines(logging.Formatter):
    """A formatter that escapes invisible and control characters in log lines."""

    def format(self, record: logging.LogRecord) -> str:
        return escape_invisible(super().format(record))


def serve(make_app: Callable[[Settings], FastAPI]) -> None:
    chosen = settings()
    handler = logging.StreamHandler()
    handler.setFormatter(Lines("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    if not chosen.token:
        sys.exit("DEMO_TOKEN is not set: the pages about jobs need a token to open them.")
    try:
        listener = listen(chosen.web_host, chosen.web_port, "DEMO_WEB_PORT")
    except ResourceError as error:
        sys.exit(str(error))
    try:
        with garbage_collection_paused():
            app = make_app(chosen)
    except (DatabaseMissing, ImportError) as error:
        sys.exit(f"The web app does not start: {error}.")
    config = configured(app, CONNECTIONS, patience=3, proxies=chosen.proxies)
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])

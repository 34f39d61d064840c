"""The HTTP side as a whole: a loop of its own, in a thread of its own."""

import socket
import threading
import time

import uvicorn
from starlette.types import ASGIApp

from local_smtp.bounds import BACKLOG
from local_smtp.web.bounded_http import bounded_http

_STOP_WITHIN = 3.0  # seconds


class InboxServer:
    """Serves an application on a listening socket until it is stopped."""

    def __init__(self, listener: socket.socket, app: ASGIApp) -> None:
        config = uvicorn.Config(
            app,
            http=bounded_http(),
            backlog=BACKLOG,
            access_log=False,  # it would write tokens down
            log_level="error",
            lifespan="off",
            ws="none",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._listener = listener
        self._thread = threading.Thread(target=self._run, name="inbox", daemon=True)

    def start(self) -> None:
        """Return once requests are answered.

        Raises:
            RuntimeError: the server ended instead.
        """
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("the inbox could not be served")
            time.sleep(0.005)

    def stop(self) -> None:
        """End all connections and the loop."""
        self._server.should_exit = True
        self._thread.join(_STOP_WITHIN)

    def _run(self) -> None:
        self._server.run(sockets=[self._listener])

"""The two servers, SMTP and HTTP, in the event loop of one thread."""

import asyncio
import socket
import threading
from collections.abc import Callable

import uvicorn
import uvloop
from starlette.types import ASGIApp

from local_smtp.bounds import CONNECTIONS
from local_smtp.session import Session
from local_smtp.shared.server import configured

_STOP_WITHIN = 3.0  # seconds


class Servers:
    """An SMTP server and a web server in one new thread, each on its listening socket.

    The thread starts immediately. Clients that connect before the thread's event loop runs wait in
    the sockets' backlogs.
    """

    def __init__(
        self, smtp: socket.socket, session: Callable[[], Session], http: socket.socket, app: ASGIApp
    ) -> None:
        self._smtp, self._session, self._http = smtp, session, http
        self._web = uvicorn.Server(configured(app, CONNECTIONS, patience=1))
        self._thread = threading.Thread(target=self._run, name="servers", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close all connections, and wait up to 3 seconds for the thread."""
        self._web.should_exit = True
        self._thread.join(_STOP_WITHIN)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())  # the runner's exit cancels the sessions

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        smtp = await loop.create_server(self._session, sock=self._smtp)
        await self._web.serve(sockets=[self._http])
        smtp.close()
        loop.set_exception_handler(lambda *_: None)  # do not log sessions that were never started

"""The SMTP side as a whole: a loop of its own, in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import threading

import uvloop

from local_smtp import bounds
from local_smtp.connection import Surroundings
from local_smtp.session import Session

_STOP_WITHIN = 3.0  # seconds


class SmtpServer:
    """Serves SMTP on a listening socket until it is stopped, which ends all connections.

    The system lets clients wait at the socket until the loop runs.
    """

    def __init__(self, listener: socket.socket, around: Surroundings) -> None:
        self._listener, self._around = listener, around
        # inherited by each connection: what the system takes ahead of us is read in one go
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, bounds.BUFFER_BYTES)
        self._loop = uvloop.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="smtp", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End all connections and the loop."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(_STOP_WITHIN)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())  # and then it ends the sessions

    async def _serve(self) -> None:
        server = await self._loop.create_server(
            lambda: Session(self._around), sock=self._listener, backlog=bounds.BACKLOG
        )
        await self._stopping.wait()
        server.close()
        self._loop.set_exception_handler(lambda *_: None)  # of sessions that never got to begin

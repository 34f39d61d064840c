"""The SMTP side as a whole: a loop of its own, in a thread of its own."""

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import uvloop

from local_smtp.crowd import Crowd
from local_smtp.faults import Faults
from local_smtp.models import Incident
from local_smtp.session import SmtpSession
from local_smtp.settings import CONNECTION_LIMIT, SIZE_LIMIT, Settings
from local_smtp.store.writer import Writer

_STOP_WITHIN = 3.0  # seconds


class SmtpServer:
    """Serves SMTP on a listening socket until it is stopped.

    aiosmtpd's own `Controller` waits in `stop()` for connections to end by themselves; here
    they are ended.
    """

    def __init__(
        self,
        listener: socket.socket,
        settings: Settings,
        tls: ssl.SSLContext | None,
        writer: Writer,
        faults: Faults,
        report: Callable[[Incident], None],
    ) -> None:
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        self._listener = listener
        self._loop = uvloop.new_event_loop()
        self._session = partial(
            SmtpSession,
            writer,
            faults,
            report,
            Crowd(CONNECTION_LIMIT),
            login=settings.auth,
            hostname=settings.host,  # or aiosmtpd asks the resolver, once a connection
            ident="local_smtp mail sink",
            data_size_limit=SIZE_LIMIT,
            enable_SMTPUTF8=True,
            tls_context=tls,
            auth_require_tls=False,
            loop=self._loop,
        )
        self._up = threading.Event()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="smtp", daemon=True)

    def start(self) -> None:
        """Return once connections are answered."""
        self._thread.start()
        self._up.wait()

    def stop(self) -> None:
        """End all connections and the loop."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(_STOP_WITHIN)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        server = await self._loop.create_server(self._session, sock=self._listener)
        self._up.set()
        await self._stopping.wait()
        server.close()
        sessions = asyncio.all_tasks() - {asyncio.current_task()}
        for task in sessions:
            task.cancel()
        if sessions:
            await asyncio.wait(sessions, timeout=1.0)
        with suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 1.0)

"""The SMTP side as a whole: a loop of its own, in a thread of its own."""

import asyncio
import logging
import socket
import ssl
import threading
from contextlib import suppress
from functools import partial
from typing import Any

import uvloop
from aiosmtpd.smtp import AuthResult, LoginPassword

from local_smtp.handler import MailHandler
from local_smtp.session import SmtpSession
from local_smtp.settings import SIZE_LIMIT, Settings

IDENT = "local_smtp mail sink"

_STOP_WITHIN = 3.0  # seconds


class SmtpServer:
    """Serves SMTP on a listening socket until it is stopped.

    aiosmtpd's own `Controller` waits in `stop()` for connections to end by themselves; here
    they are ended.
    """

    def __init__(
        self,
        listener: socket.socket,
        handler: MailHandler,
        settings: Settings,
        tls: ssl.SSLContext | None,
    ) -> None:
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        self._listener = listener
        self._session = partial(_session, handler, settings.host, tls, settings.credentials)
        self._loop = uvloop.new_event_loop()
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
        loop = asyncio.get_running_loop()
        server = await loop.create_server(partial(self._session, loop), sock=self._listener)
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


def _session(
    handler: MailHandler,
    host: str,
    tls: ssl.SSLContext | None,
    credentials: tuple[str, str] | None,
    loop: asyncio.AbstractEventLoop,
) -> SmtpSession:
    def check(server: Any, session: Any, envelope: Any, mechanism: str, login: Any) -> AuthResult:
        assert isinstance(login, LoginPassword)
        wanted = credentials and tuple(text.encode() for text in credentials)
        return AuthResult(success=wanted in (None, tuple(login)), handled=False)

    return SmtpSession(
        handler,
        hostname=host,  # or aiosmtpd asks the resolver, once a connection
        ident=IDENT,
        data_size_limit=SIZE_LIMIT,
        enable_SMTPUTF8=True,
        tls_context=tls,
        auth_required=credentials is not None,
        auth_require_tls=False,
        authenticator=check,
        loop=loop,
    )

"""A second host: a worker that knows the first one by its settings, at the end of a cable."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from lab.running import Lab

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
#: Opens a connection to the first host.
Connect = Callable[[], Coroutine[Any, Any, Streams]]
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
        self.cable = Cable([redis, smtp])
        lab.at_end.callback(self.cable.end)
        redis_port, smtp_port = self.cable.ports
        self.worker = lab.celery(
            *("--hostname", "worker1@second-host"),
            DEMO_REDIS_URL=f"redis://127.0.0.1:{redis_port}/0",
            DEMO_SMTP_URL=f"smtp://127.0.0.1:{smtp_port}",
        )

    def __repr__(self) -> str:
        return f"A worker (pid {self.worker.pid}) on the second host."


class Cable:
    """Forwards connections to the first host, each port to one of its services.

    Unplugged, it holds the bytes, as a broken network does: neither side is told.
    """

    def __init__(self, services: Sequence[Connect]) -> None:
        self._loop = asyncio.new_event_loop()
        self._plugged_in = asyncio.Event()
        self._plugged_in.set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cable", daemon=True)
        self._thread.start()
        listeners = [socket.create_server(("127.0.0.1", 0)) for _ in services]
        #: The near end of each service.
        self.ports = [int(listener.getsockname()[1]) for listener in listeners]
        for listener, connect in zip(listeners, services, strict=True):
            self._run(asyncio.start_server(partial(self._forward, connect), sock=listener))

    def unplug(self) -> None:
        """From now on nothing arrives, in either direction."""
        self._loop.call_soon_threadsafe(self._plugged_in.clear)

    def plug_in(self) -> None:
        """What was held back arrives, and everything after it."""
        self._loop.call_soon_threadsafe(self._plugged_in.set)

    def end(self) -> None:
        """Close every connection; may be called twice."""
        if self._thread.is_alive():
            self._run(self._drop_all())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _run(self, act: Coroutine[Any, Any, Any]) -> None:
        asyncio.run_coroutine_threadsafe(act, self._loop).result()

    async def _drop_all(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _forward(
        self, connect: Connect, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError, asyncio.CancelledError):
            await self._plugged_in.wait()
            there, back = await connect()
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._plugged_in.wait()
                writer.write(data)
                await writer.drain()
            await self._plugged_in.wait()
        finally:
            writer.close()

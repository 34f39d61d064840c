"""Tells every open page what happens, as it happens (server-sent events)."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress

from local_smtp.incidents import Incident
from local_smtp.store.rows import Receipt

_BACKLOG = 1000
_HEARTBEAT = 15.0  # seconds; also how long a client that vanished is remembered

Event = Sequence[Receipt] | Incident | str
"""Mails of one commit, an incident, or the name of anything else that changed."""


class Events:
    """Passes events from any thread to the listeners in the inbox's loop."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[Event | None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = threading.Event()

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def publish(self, event: Event) -> None:
        """Tell all listeners."""
        if self._listeners and self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._spread, event)

    def close(self) -> None:
        """Send all listeners home."""
        self._closed.set()
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._spread, None)

    async def listen(self) -> AsyncGenerator[Event | None, None]:
        """Yield events until the sink ends, and None now and then while there are none.

        A listener that falls too far behind is sent home; it can come again and look.
        """
        self._loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Event | None] = asyncio.Queue(_BACKLOG)
        self._listeners.add(queue)
        try:
            while not self._closed.is_set() and queue in self._listeners:
                try:
                    event = await asyncio.wait_for(queue.get(), _HEARTBEAT)
                except TimeoutError:
                    yield None
                else:
                    if event is not None:
                        yield event
        finally:
            self._listeners.discard(queue)

    def _spread(self, event: Event | None) -> None:
        for queue in list(self._listeners):
            try:
                queue.put_nowait(event)
            except asyncio.QueueFull:
                self._listeners.discard(queue)

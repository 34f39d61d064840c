"""Server-sent events for every open page."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress

from local_smtp.bounds import LISTENER_BACKLOG
from local_smtp.models import Incident
from local_smtp.store.reader import Reader
from local_smtp.store.statements import Receipt

_HEARTBEAT = 15.0  # seconds; a heartbeat detects a client that has vanished

#: The mails of one commit, or an incident, or the name of any other change.
Event = Sequence[Receipt] | Incident | str


class Events:
    """The listeners (open event streams) of the inbox. Any thread can send them events."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._listeners: set[asyncio.Queue[Event | None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def publish(self, event: Event | None) -> None:
        """Send an event to all listeners. None ends their streams."""
        if self._listeners and self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._spread, event)

    async def stream(self) -> AsyncGenerator[str, None]:
        """Yield events as text, and comments as heartbeats, until the sink ends.

        A listener that is too slow is disconnected. It can reconnect and read the current state.
        """
        self._loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Event | None] = asyncio.Queue(LISTENER_BACKLOG)
        self._listeners.add(queue)
        try:
            yield ": here\n\n"
            while queue in self._listeners:
                try:
                    event = await asyncio.wait_for(queue.get(), _HEARTBEAT)
                except TimeoutError:
                    yield ": still here\n\n"
                else:
                    if event is None:
                        return
                    yield await asyncio.to_thread(self._as_text, event)
        finally:
            self._listeners.discard(queue)

    def _spread(self, event: Event | None) -> None:
        for queue in list(self._listeners):
            try:
                queue.put_nowait(event)
            except asyncio.QueueFull:
                self._listeners.discard(queue)

    def _as_text(self, event: Event) -> str:
        if isinstance(event, str):
            return _message("changed", json.dumps({"what": event}))
        if isinstance(event, Incident):
            return _message("fault", event.model_dump_json(by_alias=True))
        mails = self._reader.mails([receipt.message for receipt in event])
        text = ""
        for receipt in event:
            mail = mails.get(receipt.message)
            if mail is not None:  # None if the mail was deleted meanwhile
                data = mail.model_dump(by_alias=True, mode="json")
                text += _message("mail", json.dumps({**data, "duplicate": receipt.duplicate}))
        return text


def _message(name: str, data: str) -> str:
    return f"event: {name}\ndata: {data}\n\n"

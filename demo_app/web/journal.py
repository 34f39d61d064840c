"""The journal in Redis as a feed: every change of state as JSON, as it happens."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import redis.asyncio

from demo_app.broker.connection import connect_async
from demo_app.broker.journal import entry_of, order

#: Listeners at once; who listens holds the token.
LISTENERS = 300
#: Readings that a listener may be behind; then it is cut off, and comes again by itself.
_BACKLOG = 100
#: Entries read together.
_BATCH = 500
_TICK = ("", "event: tick\ndata: \n\n")
_TROUBLE = ("", "event: trouble\ndata: Redis can't be reached\n\n")


class Feed:
    """Every change of state as it happens: read once, for all listeners of this process.

    url: of Redis; None when the jobs are kept elsewhere, and the feed only ticks.
    """

    def __init__(self, url: str | None) -> None:
        self._client: Any = url and connect_async(url)
        self._listeners: set[asyncio.Queue[list[tuple[str, str]]]] = set()
        self._last = "$"
        self._task: asyncio.Task[None] | None = None

    @property
    def full(self) -> bool:
        """Whether nobody else may listen."""
        return len(self._listeners) >= LISTENERS

    async def listen(self, last: str = "") -> AsyncIterator[str]:
        """Server-sent events: what came after the entry `last`, and then what comes.

        An event `tick` each second when nothing happens; while Redis can't be reached, `trouble`.
        """
        self._task = self._task or asyncio.create_task(self._read())
        with suppress(redis.RedisError):
            await self._find_place()
        queue: asyncio.Queue[list[tuple[str, str]]] = asyncio.Queue(_BACKLOG)
        self._listeners.add(queue)
        try:
            yield f"retry: 1000\n\n{_TICK[1]}"  # who has read this misses nothing
            while last and (missed := await self._after(last)):
                last = missed[-1][0]
                yield "".join(text for _, text in missed)
            while queue in self._listeners:
                news = await queue.get()
                start = order(last) if last else ()
                yield "".join(text for id_, text in news if not id_ or order(id_) > start)
        finally:
            self._listeners.discard(queue)

    async def close(self) -> None:
        """Read no more."""
        if self._task is not None:
            self._task.cancel()
        if self._client is not None:
            await self._client.aclose()

    async def _read(self) -> None:
        while True:
            try:
                if self._client is None:
                    await asyncio.sleep(1.0)
                    self._tell([_TICK])
                    continue
                await self._find_place()
                answer = await self._client.xread({"journal": self._last}, _BATCH, block=1000)
                news = _as_events(answer[0][1]) if answer else [_TICK]
                self._last = news[-1][0] or self._last
                self._tell(news)
            except redis.RedisError:
                if self._last == "$":  # then from this moment on, by our own clock
                    self._last = f"{time.time() * 1000:.0f}-0"
                self._tell([_TROUBLE])
                await asyncio.sleep(1.0)

    def _tell(self, news: list[tuple[str, str]]) -> None:
        for queue in list(self._listeners):
            try:
                queue.put_nowait(news)
            except asyncio.QueueFull:
                self._listeners.discard(queue)

    async def _find_place(self) -> None:
        """A fixed place for "$", so that nothing is missed between two readings."""
        if self._client is not None and self._last == "$":
            newest = await self._client.xrevrange("journal", count=1)
            if self._last == "$":  # nobody was faster
                self._last = newest[0][0] if newest else "0-0"

    async def _after(self, last: str) -> list[tuple[str, str]]:
        try:
            return _as_events(await self._client.xrange("journal", f"({last}", count=_BATCH))
        except (redis.RedisError, AttributeError):  # without a journal there is nothing to miss
            return []


def _as_events(entries: list[tuple[str, dict[str, str]]]) -> list[tuple[str, str]]:
    found = []
    for entry in (entry_of(*one) for one in entries):
        notes = {name: value for name, value in entry.notes.items() if name != "traceback"}
        told = {"job": entry.job, "event": entry.event, "by": entry.by, **notes, "at": entry.at}
        found.append((entry.id, f"id: {entry.id}\ndata: {json.dumps(told)}\n\n"))
    return found

"""The journal in Redis as a feed: every change of state as JSON, as it happens."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

import redis
from fastapi.concurrency import run_in_threadpool

from ..connection import Decoded
from ..journal import entry_of

#: Limit of the entries of one read, and seconds between two reads: quick changes are sent together.
_BATCH, _PAUSE = 500, 0.05
_TICK = "event: tick\ndata: \n\n"
_TROUBLE = "event: trouble\ndata: Redis can't be reached\n\n"


class Feed:
    """A stream of all changes in the states of jobs.

    Args:
        client: redis-py's client for asyncio, or `InThreads`. None if the jobs are not in Redis:
            the feed then only sends `tick`.
        journal: the key of the journal.
    """

    def __init__(self, client: Any, journal: str = "journal") -> None:
        self._client, self._journal = client, journal
        self._reads: dict[str, asyncio.Task[Any]] = {}  # by the entry after which a task reads

    async def listen(self, last: str = "") -> AsyncIterator[str]:
        """Yield the changes after the journal's entry `last` as server-sent events.

        If `last` is "", begin with the next change. While nothing changes, yield an event `tick` at
        least about every second. While Redis can't be reached, yield events `trouble` instead.
        """
        last = last or await self._shared(last, self._newest)
        yield f"retry: 1000\n\n{_TICK}"  # sent first: later changes reach the client
        while True:
            entries, otherwise = await self._shared(last, partial(self._after, last))
            last = entries[-1][0] if entries else last
            yield "".join(map(_as_event, entries)) or otherwise
            await asyncio.sleep(_PAUSE)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _shared(self, last: str, read: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Share one read, and so one connection to Redis, among clients with the same `last`."""
        if last not in self._reads:
            self._reads[last] = task = asyncio.create_task(read())
            task.add_done_callback(lambda _: self._reads.pop(last))
        return await asyncio.shield(self._reads[last])

    async def _newest(self) -> str:
        if self._client is not None:
            with suppress(redis.RedisError):
                newest = await self._client.xrevrange(self._journal, count=1)
                return newest[0][0] if newest else "0-0"
        return f"{time.time() * 1000:.0f}-0"  # the id of an entry written now

    async def _after(self, last: str) -> tuple[list[tuple[str, dict[str, str]]], str]:
        """Wait up to 1 s for new entries. Return them, and the event to send if there are none."""
        try:
            if self._client is not None:
                answer = await self._client.xread({self._journal: last}, _BATCH, block=1000)
                return (answer[0][1] if answer else []), _TICK
            data = _TICK
        except redis.RedisError:
            data = _TROUBLE
        await asyncio.sleep(1.0)
        return [], data


class InThreads:
    """A feed's asynchronous client, which runs the commands of a synchronous client in threads.

    The synchronous client is the broker's own, which also supports Sentinel and TLS. Its commands
    must not block.
    """

    def __init__(self, client: Decoded) -> None:
        self._client = client

    async def xrevrange(self, key: str, *, count: int) -> Any:
        return await run_in_threadpool(self._client.xrevrange, key, count=count)

    async def xread(self, streams: dict[str, str], count: int, *, block: int) -> Any:
        """Return the entries after these ids. If there are none, first sleep for half of `block`.

        Args:
            block: milliseconds.
        """
        found = await run_in_threadpool(self._client.xread, streams, count)
        if not found:
            await asyncio.sleep(block / 2000)
        return found


def _as_event(given: tuple[str, dict[str, str]]) -> str:
    entry = entry_of(*given)
    notes = {name: value for name, value in entry.notes.items() if name != "traceback"}
    fields = {"job": entry.job, "event": entry.event, "by": entry.by, **notes, "at": entry.at}
    return f"id: {entry.id}\ndata: {json.dumps(fields)}\n\n"

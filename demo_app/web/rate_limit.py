"""What one address may ask for: so many comments a second, and a few things at a time."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AsyncExitStack
from weakref import WeakValueDictionary

from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Addresses that are remembered; the one that was quiet for longest is forgotten first.
_ADDRESSES = 10_000
#: Requests of one address that are worked on together; the rest of its own wait for them.
AT_ONCE = 2


class RateLimit:
    """How many comments one address may post: a bucket of tokens that fills up again.

    burst: how many at once. per_second: how fast the bucket fills up again.
    """

    def __init__(
        self, burst: int, per_second: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst, self._per_second, self._clock = burst, per_second, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def allows(self, address: str) -> bool:
        """Whether one more is allowed; if so, it is counted."""
        now = self._clock()
        with self._lock:
            left, since = self._buckets.pop(address, (float(self._burst), now))
            left = min(float(self._burst), left + (now - since) * self._per_second)
            allowed = left >= 1.0
            self._buckets[address] = (left - allowed, now)
            if len(self._buckets) > _ADDRESSES:
                self._buckets.popitem(last=False)
        return allowed


class Turns:
    """Middleware: each address has its turn, however much others ask for. Who holds the token does
    not wait.

    A request is read and taken apart in one piece, during which the loop does nothing else. So
    they begin one by one, and between two of them the loop does what else is to be done.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._of: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._door = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request when it is its address's turn."""
        if scope["type"] != "http" or scope["holder"]:
            return await self._app(scope, receive, send)
        address = scope["client"][0] if scope["client"] else ""
        turn = self._of.setdefault(address, asyncio.Semaphore(AT_ONCE))
        async with AsyncExitStack() as waited_for:
            await waited_for.enter_async_context(turn)
            async with self._door:
                await asyncio.sleep(0)

            async def sending(message: Message) -> None:
                await waited_for.aclose()  # who reads an answer slowly keeps nobody waiting
                await send(message)

            return await self._app(scope, receive, sending)

"""Each address has its turn, however much others ask for."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from weakref import WeakValueDictionary

from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Requests of one address that are worked on together; the rest of its own wait for them.
AT_ONCE = 2


class Turns:
    """Answers a request when it is its address's turn.

    A request is read and taken apart in one piece, and a refusal is written in one, during which
    the loop does nothing else. So they begin one by one, and between two of them the loop does what
    else is to be done.
    """

    def __init__(self) -> None:
        self._of: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._door = asyncio.Lock()

    async def __call__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the app answer, in its turn."""
        address = scope["client"][0] if scope["client"] else ""
        turn = self._of.setdefault(address, asyncio.Semaphore(AT_ONCE))
        async with AsyncExitStack() as waited_for:
            await waited_for.enter_async_context(turn)
            async with self._door:
                await asyncio.sleep(0)

            async def sending(message: Message) -> None:
                await waited_for.aclose()  # who reads an answer slowly keeps nobody waiting
                await send(message)

            await app(scope, receive, sending)

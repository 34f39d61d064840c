"""The log of a process's commands to the server. The process can halt at each command."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable

#: A command's name, in Redis' protocol.
_COMMAND = re.compile(rb"\*\d+\r\n\$\d+\r\n([A-Za-z.]+)\r\n")
#: Commands with which a client opens a connection.
_HELLO = {"AUTH", "CLIENT", "HELLO", "INFO", "PING", "SELECT"}


class WireLog:
    """The log of one process's commands.

    Args:
        note: logs a command.
        holds: is called at each step ``cable:COMMAND:nth:before`` or ``after``, and returns when
            the data may pass.
    """

    def __init__(
        self, who: str, note: Callable[..., None], holds: Callable[[str], Awaitable[None]]
    ) -> None:
        self._who, self._note, self._holds = who, note, holds
        self._times: Counter[str] = Counter()
        self._last: dict[object, str] = {}

    async def __call__(self, line: object, data: bytes, *, is_answer: bool) -> None:
        """Log data of the connection `line`, and wait until they may pass."""
        if is_answer:
            if step := self._last.pop(line, ""):
                await self._holds(f"{step}:after")
            return
        names = [name.decode().upper() for name in _COMMAND.findall(data)]
        if not names or names[0] in _HELLO:
            return
        name = "+".join(names[:3])
        self._times[name] += 1
        step = self._last[line] = f"cable:{name}:{self._times[name]}"
        if self._times[name] == 1:
            self._note("sent", self._who, names=[name])
        await self._holds(f"{step}:before")

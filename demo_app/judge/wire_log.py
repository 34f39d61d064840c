"""The log of a process's commands to the server. The process can halt at each command."""

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
        note: a function that logs an event. It is called at the first use of each command.
        holds: an async function that is awaited at each step, ``cable:COMMAND:nth:before`` or
            ``cable:COMMAND:nth:after``. It returns when the data may pass.
    """

    def __init__(
        self, who: str, note: Callable[..., None], holds: Callable[[str], Awaitable[None]]
    ) -> None:
        self._who, self._note, self._holds = who, note, holds
        self._times: Counter[str] = Counter()
        self._last: dict[object, str] = {}

    async def __call__(self, line: object, data: bytes, *, is_answer: bool) -> None:
        """Log the commands in the data, and wait until the data may pass.

        Args:
            line: the connection.
            data: the bytes that the proxy has received.
            is_answer: True for data from the server.
        """
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

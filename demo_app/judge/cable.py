"""What a cable to the server shows: which jobs passed it, and each command; it can halt at them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable

from demo_app.judge.names import TOKEN, Names, spellings

#: A command's name, in Redis' protocol.
_COMMAND = re.compile(rb"\*\d+\r\n\$\d+\r\n([A-Za-z.]+)\r\n")
#: Commands with which a client says hello.
_HELLO = {"AUTH", "CLIENT", "HELLO", "INFO", "PING", "SELECT"}


class Watch:
    """Of one process's cable. note: writes down what is seen. holds: is asked at each step
    ``cable:COMMAND:nth:before`` or ``after``, and returns when the data may go on."""

    def __init__(
        self,
        who: str,
        names: Names,
        note: Callable[..., None],
        holds: Callable[[str], Awaitable[None]],
    ) -> None:
        self._who, self._names, self._note, self._holds = who, names, note, holds
        self._seen: set[tuple[str, bool]] = set()
        self._spelled: dict[str, list[bytes]] = {}
        self._before: dict[tuple[object, bool], bytes] = {}
        self._times: Counter[str] = Counter()
        self._last: dict[object, str] = {}
        #: So many have passed.
        self.commands = 0

    async def __call__(self, line: object, data: bytes, *, is_answer: bool) -> None:
        """Data come by, on the connection `line`."""
        self._look(line, data, is_answer)
        if is_answer:
            if step := self._last.pop(line, ""):
                await self._holds(f"{step}:after")
            return
        names = [name.decode().upper() for name in _COMMAND.findall(data)]
        if not names or names[0] in _HELLO:
            return
        self.commands += len(names)
        name = "+".join(names[:3])
        self._times[name] += 1
        step = self._last[line] = f"cable:{name}:{self._times[name]}"
        if self._times[name] == 1:
            self._note("sent", self._who, names=[name])
        await self._holds(f"{step}:before")

    def _look(self, line: object, data: bytes, is_answer: bool) -> None:
        text = self._before.get((line, is_answer), b"") + data
        self._before[line, is_answer] = text[-self._names.longest :]
        for token in TOKEN.findall(text):
            label = self._names.tokens.get(token, "")
            if not label or (label, is_answer) in self._seen:
                continue
            if label not in self._spelled:
                found = spellings(self._names.texts[label])
                self._spelled[label] = [spelled.encode() for spelled in found]
            if any(spelled in text for spelled in self._spelled[label]):
                self._seen.add((label, is_answer))
                self._note("seen", "cable", on=self._who, job=label, answer=is_answer)

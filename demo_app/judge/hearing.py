"""The log of a trial: what its processes say over a socket of the judge's, which knows who speaks,
and what the judge does. No process of the trial can read or change it."""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

Event = dict[str, Any]
#: Bytes of a line, and bytes and lines of a trial, that are listened to at most.
_LONGEST, _ALL, _MOST = 4 << 20, 64 << 20, 200_000
#: What a process can say. What passed its cable, where a job is and what was broken, the judge sees
#: or does itself.
_SAID = {"hello", "works", "rescues", "call", "passes", "error", "crashed", "told",
         "putting", "put", "refused", "pushes", "pushed", "measured", "finished",
         "begin", "end"}  # fmt: skip
#: LOCAL_PEERPID of macOS, at the level SOL_LOCAL.
_LOCAL_PEERPID = (0, 2)


class Hearing:
    """See the module.

    whose: gives the name of the process with a pid that says it is that one; None if it is not.
    answer: gives what is said to one that asks, and may take its time. Raises EOFError for none.
    named: gives the event as it is written down.
    """

    def __init__(
        self,
        path: Path,
        whose: Callable[[int, str], str | None],
        answer: Callable[[str, Event], Event],
        named: Callable[[Event], Event] = dict,
    ) -> None:
        self._whose, self._answer, self._named = whose, answer, named
        self.events: list[Event] = []
        self._heard, self._began = 0, time.monotonic()
        self._lines: set[socket.socket] = set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def note(self, event: str, who: str = "judge", **details: Any) -> None:
        """Write down what the judge does, or sees."""
        self.events.append({"at": time.monotonic(), "who": who, "event": event, **details})

    def close(self) -> None:
        """Hang up on everybody."""
        for line in (self._listener, *self._lines):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)  # wakes its thread
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                self._lines.add(line)
                threading.Thread(target=self._listen, args=(line,), daemon=True).start()

    def _listen(self, line: socket.socket) -> None:
        with line, suppress(OSError, EOFError, ValueError, KeyError, TypeError, RecursionError):
            who, last, pid = "", self._began, peer(line)
            with line.makefile("rb") as said:
                while (text := said.readline(_LONGEST)) and len(self.events) < _MOST:
                    self._heard += len(text)
                    event = dict(json.loads(text))
                    if not (self._heard < _ALL and event["event"] in _SAID and _is_plain(event)):
                        return
                    if not who:
                        known = self._whose(pid, str(event["who"]))
                        if known is None:
                            self.note("stranger", pid=pid, claims=str(event["who"])[:40])
                            return
                        who = known
                    # its own clock is nearer to what happened; but nobody speaks of the future,
                    # nor of a time before the trial, or before what it said last
                    now = time.monotonic()
                    last = min(now, max(last, float(event["at"])))
                    asks = event.pop("asks", False)
                    event = self._named({**event, "at": last, "who": who})
                    self.events.append(event)
                    if asks:
                        line.sendall(json.dumps(self._answer(who, event)).encode() + b"\n")
        self._lines.discard(line)


def _is_plain(event: Event) -> bool:
    """Whether it is made of texts, numbers, and lists of texts; else it may take many times the
    memory of its line."""
    values = [value if isinstance(value, list) else [value] for value in event.values()]
    return not any(isinstance(one, list | dict) for value in values for one in value)


def peer(line: socket.socket) -> int:
    """The pid of the process at the other end of a unix socket, which it can't choose."""
    if sys.platform == "darwin":
        return int.from_bytes(line.getsockopt(*_LOCAL_PEERPID, 4), sys.byteorder)
    size = struct.calcsize("3i")
    return int(struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[0])

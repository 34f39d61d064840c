"""The log of a trial: what its processes report over a socket, and what the judge does."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

Event = dict[str, Any]


class EventLog:
    """The log of a trial.

    Args:
        path: the socket.
        answer: returns the answer to an event that asks for one, after any time; raises EOFError
            when the trial is over.
        named: returns the event as it is logged.
    """

    def __init__(
        self, path: Path, answer: Callable[[str, Event], Event], named: Callable[[Event], Event]
    ) -> None:
        self._answer, self._named = answer, named
        self.events: list[Event] = []
        self._lines: set[socket.socket] = set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def note(self, event: str, who: str = "judge", **details: Any) -> None:
        """Log what the judge does, or sees."""
        self.events.append({"at": time.monotonic(), "who": who, "event": event, **details})

    def close(self) -> None:
        """Close every connection."""
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
        with line, suppress(OSError, EOFError, ValueError), line.makefile("rb") as texts:
            for text in texts:
                event: Event = json.loads(text)
                asks, who = event.pop("asks", False), str(event["who"])
                event = self._named(event)
                self.events.append(event)
                if asks:
                    line.sendall(json.dumps(self._answer(who, event)).encode() + b"\n")
        self._lines.discard(line)

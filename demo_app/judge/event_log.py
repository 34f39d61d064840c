"""The log of a trial: its processes' reports over a socket, and the judge's actions."""

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
        path: the path of the unix socket that the log creates.
        answer: a function that returns the reply to an event, if the process waits for a reply.
            The function may block. It raises EOFError when the trial is over.
        named: a function that replaces each job's random text in an event with the job's name, such
            as `job-1`.
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
        self.events.append({"at": time.monotonic(), "who": who, "event": event, **details})

    def close(self) -> None:
        for line in (self._listener, *self._lines):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)  # ends the read of the connection's thread
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
                waits, who = event.pop("waits", False), str(event["who"])
                event = self._named(event)
                self.events.append(event)
                if waits:
                    line.sendall(json.dumps(self._answer(who, event)).encode() + b"\n")
        self._lines.discard(line)

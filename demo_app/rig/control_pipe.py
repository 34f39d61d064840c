"""How a process of the stack asks its supervisor for something.

A named pipe: Redis may be what is dead, so the way can't lead through it. A pipe in the stack's
folder needs no port and no server, and its mode keeps everybody but the stack's own user away
(fifo(7)).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

#: What can be asked for; any other line is passed over.
START_AGAIN, OUTAGE = b"start again", b"redis dies for a while"
_LONGEST = max(map(len, (START_AGAIN, OUTAGE)))
_END = b"end"


class ControlPipe:
    """The supervisor's end of the pipe at `path`.

    answers: what is called for each request, one after the other, in a thread of its own.
    Raises OSError when the pipe can't be made.
    """

    def __init__(self, path: Path, answers: Mapping[bytes, Callable[[], None]]) -> None:
        if path.exists() or path.is_symlink():
            path.unlink()  # left by a stack that was killed, with perhaps a request in it
        os.mkfifo(path, 0o600)
        self._path = path
        self._answers = answers
        # open for both, so that it does not end whenever somebody who wrote has closed it
        self._pipe = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no longer, and remove the pipe. A request that is being answered ends first."""
        self._path.unlink(missing_ok=True)
        self._ended.set()
        os.write(self._pipe, b"\n" + _END + b"\n")
        self._thread.join()
        os.close(self._pipe)

    def _listen(self) -> None:
        rest = b""
        while not self._ended.is_set():
            *lines, rest = (rest + os.read(self._pipe, 4096)).split(b"\n")
            rest = rest[-_LONGEST:]  # never more than a word without an end
            for request, answer in self._answers.items():
                if request in lines:  # several at once are one
                    answer()


def ask(path: Path, request: bytes = START_AGAIN) -> bool:
    """Ask the supervisor behind the pipe; False when nobody listens."""
    try:
        pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        return os.write(pipe, request + b"\n") > 0  # so short a write is whole (PIPE_BUF)
    except BlockingIOError:
        return True  # full of requests already
    finally:
        os.close(pipe)

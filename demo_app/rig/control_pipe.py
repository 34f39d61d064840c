"""A named pipe through which processes of a stack send requests to their supervisor.

The requests cannot go through Redis, which may be dead. A pipe in the stack's folder needs no port
and no server, and its mode admits only the stack's user (fifo(7)).
"""

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

#: The requests. Any other line is ignored.
START_AGAIN, OUTAGE = b"start again", b"redis dies for a while"
_LONGEST = max(map(len, (START_AGAIN, OUTAGE)))
_END = b"end"


class ControlPipe:
    """The supervisor's end of the pipe.

    Args:
        answers: the handler of each request. A thread of the pipe calls the handlers, one at a
            time.

    Raises:
        OSError: the pipe cannot be created.
    """

    def __init__(self, path: Path, answers: Mapping[bytes, Callable[[], None]]) -> None:
        path.unlink(missing_ok=True)  # left by a killed stack
        os.mkfifo(path, 0o600)
        self._path = path
        self._answers = answers
        # also open the pipe for writing: otherwise reads would end when a writer closes the pipe
        self._pipe = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Remove the pipe, and wait for the end of a request that is being handled."""
        self._path.unlink(missing_ok=True)
        self._ended.set()
        os.write(self._pipe, b"\n" + _END + b"\n")
        self._thread.join()
        os.close(self._pipe)

    def _listen(self) -> None:
        rest = b""
        while not self._ended.is_set():
            *lines, rest = (rest + os.read(self._pipe, 4096)).split(b"\n")
            rest = rest[-_LONGEST:]  # limit the length of an incomplete line
            for request, answer in self._answers.items():
                if request in lines:  # equal requests count once
                    answer()


def send(path: Path, request: bytes = START_AGAIN) -> bool:
    """Send a request to the supervisor. Return False if there is no supervisor."""
    try:
        pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        return os.write(pipe, request + b"\n") > 0  # a short write is atomic (PIPE_BUF)
    except BlockingIOError:
        return True  # the supervisor has the pipe open, but it is full of earlier requests
    finally:
        os.close(pipe)

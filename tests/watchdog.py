"""A process that ends what a test run has started when the run itself is interrupted or killed.

Each process of a run inherits `MARK`. The run holds the other end of the watchdog's standard input,
which closes when the run ends, however it ends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import suppress

import psutil

MARK = "TEST_RUN"
#: Seconds without a find after which nothing is expected any more: a process may be starting.
_STILL = 2.0


def start() -> subprocess.Popen[bytes]:
    """Mark this process and its children, and start the watchdog."""
    os.environ[MARK] = uuid.uuid4().hex
    return subprocess.Popen(
        [sys.executable, __file__, os.environ[MARK]],
        stdin=subprocess.PIPE,
        env={name: text for name, text in os.environ.items() if name != MARK},
        start_new_session=True,
    )


def stop(watchdog: subprocess.Popen[bytes]) -> None:
    """End the watchdog after a run that has ended by itself."""
    watchdog.communicate(b"bye")


def _end_all(mark: str) -> None:
    still_since = time.monotonic()
    while time.monotonic() - still_since < _STILL:
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                # a reaper ends by itself, after what it is there to end
                marked = process.environ().get(MARK) == mark
                if marked and not any(word.endswith("reaper.py") for word in process.cmdline()):
                    process.kill()
                if marked:
                    still_since = time.monotonic()
        time.sleep(0.1)  # between two looks


if __name__ == "__main__":
    for _number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(_number, signal.SIG_IGN)
    if sys.stdin.buffer.read() != b"bye":
        _end_all(sys.argv[1])
